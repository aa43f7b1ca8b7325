/** Memberships: each is a fact of its user's row, so a change of a group costs what changes in it. */
import { BridgeError } from '../../errors.ts';
import { groupKey, MEMBER } from '../../mapping/groups.ts';
import { contended, type Submit } from '../requests/submit.ts';
import { accept, trust } from '../row/transitions.ts';
import { inParallel } from '../in-parallel.ts';
import type { HeldBy } from '../requests/unique-names.ts';
import type { Clock, Context } from '../ports/context.ts';
import type { Row } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { newChange, nextRevision, shownFacts, taken } from '../row/views.ts';
import type { Timing } from '../timing.ts';
import type { View } from '../requests/read-users.ts';

export interface MembershipChangesOptions {
  readonly tenant: string;
  readonly store: Store;
  readonly view: View;
  /** of the tenant's users */
  readonly submit: Submit;
  readonly heldBy: HeldBy;
  /** whether rules are in force: then each change looks at the rights as well */
  readonly givesRights: () => boolean;
  readonly clock: Clock;
  readonly timing: Timing;
}

/** true: is to be a member; false: is not. */
export type MemberChanges = ReadonlyMap<string, boolean>;

export interface MembershipChanges {
  /**
   * Brings users into a group or out of it, a few at a time, until the deadline; what is left then is answered and delivered by the queue.
   * `begun`: something of the request is done already, so all of it is carried out. Gives ids that are no users. Throws BridgeError: 503
   * when nothing was kept, else the first refusal once all the others are done.
   */
  change(
    ctx: Context,
    group: string,
    wishes: MemberChanges,
    deadline: number,
    begun: boolean,
  ): Promise<readonly string[]>;
  /** Those of these ids that no user has; ZITADEL is asked for those without a row. Throws BridgeError 503 past the deadline. */
  unknown(ids: readonly string[], deadline: number): Promise<readonly string[]>;
  /**
   * Whether a user has one of these ids, as the rows say, or as ZITADEL says of ids without a row; looks no further than the first.
   * Throws BridgeError 503 past the deadline.
   */
  knowsAny(ids: readonly string[], who: 'rows' | 'zitadel', deadline: number): Promise<boolean>;
}

/** Users written at once: more would only wait inside ZITADEL, and keep others waiting. */
const AT_ONCE = 6;
/** ms that keeping one change takes at most, when nothing is sent for it. */
const KEEPING = 0.7;
/** Any age of the view will do. */
const ANY_AGE = Number.POSITIVE_INFINITY;

export function createMembershipChanges(options: MembershipChangesOptions): MembershipChanges {
  const { tenant, store, view, submit, heldBy, givesRights, clock, timing } = options;

  /** `asks`: ZITADEL is asked for a user that has no row. */
  async function rowOf(id: string, asks: boolean): Promise<Row | undefined> {
    const row = await store.read({ tenant, id });
    if (row !== undefined && shownFacts(row) !== null) return row;
    if (row === undefined ? !asks : !row.doubt) return undefined;
    try {
      return await view.row(id, ANY_AGE);
    } catch (error) {
      if (error instanceof BridgeError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Whether it was done; false: there is no such user. */
  async function one(ctx: Context, group: string, id: string, joins: boolean, deadline: number, later: () => boolean) {
    for (;;) {
      const row = await rowOf(id, !later());
      if (row === undefined) return false;
      if (isSo(row, group, joins)) return true;
      const change = newChange(ctx, {
        revision: nextRevision(row),
        kind: 'edit',
        facts: { [groupKey(group)]: joins ? MEMBER : null },
        named: [],
        at: clock(),
        ...(givesRights() ? { rights: true } : {}),
      });
      // one that leaves is vouched for until it has left: it may have to stay
      const next = accept(joins ? trust(row, [group]) : row, change);
      const written = await submit(next, row.version, deadline, later());
      if (written.kind === 'refused') throw written.error;
      if (written.kind === 'name' && (await heldBy(written.holder, written.name, deadline)) !== undefined)
        throw taken(written.name);
      if (written.kind === 'ok') return true;
      if (clock() >= deadline + timing.answerWithinMs) throw contended();
    }
  }

  async function change(
    ctx: Context,
    group: string,
    wishes: MemberChanges,
    deadline: number,
    begun: boolean,
  ): Promise<readonly string[]> {
    const reserve = Math.min(timing.answerWithinMs / 2, wishes.size * KEEPING);
    const hurries = (): boolean => clock() >= deadline - reserve;
    const unknown: string[] = [];
    let done = begun;

    /** The failures of those that were tried. */
    async function tryAll(ids: readonly string[], later: () => boolean): Promise<ReadonlyMap<string, unknown>> {
      const failures = new Map<string, unknown>();
      await inParallel(ids, AT_ONCE, async (id) => {
        try {
          const joins = wishes.get(id) === true;
          if (await one(ctx, group, id, joins, deadline, later)) done = true;
          else if (joins) unknown.push(id);
        } catch (error) {
          if (error instanceof BridgeError && error.status === 404) unknown.push(id);
          else failures.set(id, error);
        }
      });
      return failures;
    }

    let failures = await tryAll([...wishes.keys()], hurries);
    // once some of it is done all of it is: the client is told of one outcome
    const waiting = [...failures].flatMap(([id, error]) => (isOutage(error) ? [id] : []));
    if (done && waiting.length > 0) {
      const again = await tryAll(waiting, () => true);
      failures = new Map([...[...failures].filter(([, error]) => !isOutage(error)), ...again]);
    }
    const [first] = failures.values();
    if (first !== undefined) throw first;
    return unknown.filter((id) => wishes.get(id) === true);
  }

  /** Calls `found` for each id whose user is, or is not, there; not for those that come after it has said that it is enough. */
  async function lookUp(
    ids: readonly string[],
    asks: boolean,
    deadline: number,
    found: (id: string, isUser: boolean) => 'enough' | undefined,
  ): Promise<void> {
    let enough = false;
    await inParallel(ids, AT_ONCE, async (id) => {
      if (enough) return;
      if (clock() >= deadline)
        throw new BridgeError(503, 'not all members could be looked up in time; try again', { retryAfter: 5 });
      if (found(id, (await rowOf(id, asks)) !== undefined) === 'enough') enough = true;
    });
  }

  return {
    change,
    async unknown(ids, deadline) {
      const unknown: string[] = [];
      await lookUp(ids, true, deadline, (id, isUser) => {
        if (!isUser) unknown.push(id);
        return undefined;
      });
      return unknown;
    },
    async knowsAny(ids, who, deadline) {
      let confirmed = false;
      await lookUp(ids, who === 'zitadel', deadline, (_id, isUser) => {
        confirmed ||= isUser;
        return confirmed ? 'enough' : undefined;
      });
      return confirmed;
    },
  };
}

const isOutage = (error: unknown): boolean => error instanceof BridgeError && error.status === 503;

/** Whether nothing is to be asked: it is so, somebody vouched for it, and nothing else is on its way. */
function isSo(row: Row, group: string, joins: boolean): boolean {
  const key = groupKey(group);
  const last = row.pending.findLast(({ kind, facts }) => key in facts || kind !== 'edit');
  if (joins && !row.trusted.includes(group)) return false;
  const value = joins ? MEMBER : null;
  if (last === undefined) return (row.confirmed?.[key] ?? null) === value;
  return last.acknowledged && last.onHold !== true && (last.facts[key] ?? null) === value;
}
