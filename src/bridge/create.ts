/** POST: a new row, its id durable before ZITADEL is asked, its name reserved before anybody else can take it. */
import { BridgeError } from '../errors.ts';
import type { Facts } from '../mapping/facts.ts';
import { toFacts } from '../mapping/users.ts';
import type { HandOver } from './hand-over.ts';
import { type HeldBy, taken } from './names.ts';
import type { Clock, Ids, Row, Store, Unique } from './ports.ts';
import { emptyRow, keyOf, newChange, nextRevision, resourceOf, shownFacts } from './rows.ts';
import type { Timing } from './timing.ts';
import type { Users } from './use-cases.ts';
import { updateRow } from './writes.ts';

export interface CreateOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly handOver: HandOver;
  readonly heldBy: HeldBy;
  readonly passwordFact: (clear: string | undefined) => Promise<Facts>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
}

export function createCreate(options: CreateOptions): Users['create'] {
  const { tenant, unique, store, handOver, heldBy, clock, timing } = options;

  return async function create(ctx, { user, password, hash }) {
    const now = clock();
    const deadline = now + timing.answerWithin;
    const key = { tenant, id: options.ids() };
    const facts = { ...toFacts(user, key.id), ...(await options.passwordFact(password)) };
    const blank = emptyRow(key, now);
    const change = newChange(ctx, { revision: nextRevision(blank), kind: 'create', facts, named: [], at: now });
    const row: Row = { ...blank, version: 1, changes: [change], createMark: { hash, open: true } };
    for (;;) {
      const written = await handOver(row, 0, deadline);
      if (written.kind === 'ok') break;
      if (written.kind === 'version') throw new Error('a new id was taken');
      const holder = await heldBy(written.holder, written.name, deadline);
      if (holder === undefined) continue;
      if (!isRepeat(holder, hash)) throw taken(written.name);
      return answerOf(holder);
    }
    const made = await store.read(key);
    if (made === undefined) throw gone();
    return answerOf(made);
  };

  /** The same client asks again because our answer never reached it: it gets the user it made. */
  function isRepeat(holder: Row, hash: string): boolean {
    return holder.tenant === tenant && holder.createMark?.open === true && holder.createMark.hash === hash;
  }

  function answerOf(row: Row): Awaited<ReturnType<Users['create']>> {
    const facts = shownFacts(row);
    if (facts === null) throw gone();
    const close = (now: Row): Row =>
      now.createMark?.open === true ? { ...now, createMark: { ...now.createMark, open: false } } : now;
    return {
      resource: resourceOf(row, facts),
      // when the store fails the mark stays open: one repeat more is 201, never a twin
      delivered: () => void updateRow(store, unique, keyOf(row), close).catch(() => undefined),
    };
  }
}

const gone = (): BridgeError =>
  new BridgeError(503, 'the user was removed while it was made; try again', { retryAfter: 1 });
