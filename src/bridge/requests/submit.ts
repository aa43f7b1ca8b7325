/** Submits a change: read the row, append the change, deliver it; repeat if another writer was faster. */
import { BridgeError } from '../../errors.ts';
import { accept } from '../row/transitions.ts';
import type { Context } from '../ports/context.ts';
import type { Change, Key, Row } from '../row/types.ts';
import { newChange, nextRevision, taken } from '../row/views.ts';
import { type AppendContext, appendRow } from './append-row.ts';

export interface SubmitContext extends AppendContext {
  /**
   * The row that has a reserved value, once it is decided whether it keeps it; undefined: the value is free by now.
   * Throws BridgeError 503 if that is undecided at the deadline.
   */
  readonly holderOf: (holder: Key, name: string, deadline: number) => Promise<Row | undefined>;
}

/** What a request changes in one row. */
export interface Submission {
  readonly ctx: Context;
  /** The row as it is now; undefined: there is none. */
  read(): Promise<Row | undefined>;
  /** The change, and the row it is appended to; undefined: no change. again: read the row once more. */
  make(row: Row): Promise<Made> | Made;
  readonly deadline: number;
  /** after this time nothing is retried; absent: the deadline */
  readonly giveUpAt?: number;
  /** whether it is acknowledged and left to the queue, even if it could be sent now */
  readonly later?: () => boolean;
}

export interface Asked {
  readonly onto: Row;
  readonly change: Pick<Change, 'kind' | 'facts' | 'named' | 'rights'>;
}

type Made = Asked | 'again' | undefined;

export type Submitted =
  /** settled, or durably acknowledged */
  | { readonly kind: 'accepted' }
  /** no change was needed */
  | { readonly kind: 'unchanged' }
  /** by the bridge: nothing was kept. By ZITADEL: everything the error does not name was applied */
  | { readonly kind: 'refused'; readonly by: 'bridge' | 'zitadel'; readonly error: BridgeError }
  /** another row has a value that must be unique */
  | { readonly kind: 'taken'; readonly name: string; readonly holder: Row }
  /** the user or group does not exist */
  | { readonly kind: 'gone' }
  /** other writers kept changing the row until the deadline: nothing was kept */
  | { readonly kind: 'contended' };

/** Throws BridgeError 503 if nothing was kept because ZITADEL or the store was unavailable. */
export async function submitChange(context: SubmitContext, submission: Submission): Promise<Submitted> {
  const { clock } = context.requests;
  const { ctx, deadline, giveUpAt = deadline } = submission;
  for (;;) {
    const seen = await submission.read();
    if (seen === undefined) return { kind: 'gone' };
    const made = await submission.make(seen);
    if (made === 'again') continue;
    if (made === undefined) return { kind: 'unchanged' };
    const { onto } = made;
    const at = clock();
    if (at >= giveUpAt) return { kind: 'contended' };
    const change = newChange(ctx, { ...made.change, revision: nextRevision(onto), at });
    const row = accept(onto, change);
    const later = submission.later?.() ?? false;
    const appended = await appendRow(context, { row, expect: onto.version, deadline, later });
    if (appended.kind === 'reserved') {
      const { name } = appended;
      const holder = await context.holderOf(appended.holder, name, deadline);
      if (holder !== undefined) return { kind: 'taken', name, holder };
    } else if (appended.kind !== 'raced') return appended;
  }
}

/** Throws the error for a change that was not accepted. */
export function checkAccepted(submitted: Submitted, absent: () => BridgeError): void {
  switch (submitted.kind) {
    case 'refused':
      throw submitted.error;
    case 'taken':
      throw taken(submitted.name);
    case 'gone':
      throw absent();
    case 'contended':
      throw contended();
    default:
  }
}

export const contended = (): BridgeError =>
  new BridgeError(
    503,
    'this user is being changed by other requests, or its userName is still being settled; try again',
    {
      retryAfter: 5,
    },
  );
