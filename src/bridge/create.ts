/** POST: a new row, its id durable before ZITADEL is asked, its name reserved before anybody else can take it. */
import { BridgeError } from '../errors.ts';
import type { Facts } from '../mapping/facts.ts';
import { toFacts } from '../mapping/users.ts';
import type { HandOver } from './hand-over.ts';
import type { HeldBy } from './names.ts';
import type { Clock, Ids, Key, Row, Store, Unique } from './ports.ts';
import { emptyRow, keyOf, type NameOf, newChange, nextRevision, resourceOf, shownFacts, taken } from './rows.ts';
import { type Timing, within } from './timing.ts';
import type { Users } from './use-cases.ts';
import { checkSize } from './user-size.ts';
import { updateRow, updateSeen } from './writes.ts';

export interface CreateOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly handOver: HandOver;
  readonly heldBy: HeldBy;
  readonly passwordFact: (clear: string | undefined) => Promise<Facts>;
  readonly nameOf: NameOf;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
}

export function createCreate(options: CreateOptions): Users['create'] {
  const { tenant, unique, store, handOver, heldBy, clock, timing } = options;
  /** users whose creation is being answered by this process, and when that ends */
  const answering = new Map<string, Promise<void>>();

  return async function create(ctx, { user, password, hash }) {
    const now = clock();
    const deadline = now + timing.answerWithin;
    const key = { tenant, id: options.ids() };
    checkSize(user);
    const facts = { ...toFacts(user, key.id), ...(await options.passwordFact(password)) };
    const blank = emptyRow(key, now);
    const change = newChange(ctx, { revision: nextRevision(blank), kind: 'create', facts, named: [], at: now });
    const row: Row = { ...blank, version: 1, changes: [change], createMark: { hash, open: true } };
    const end = begin(key.id);
    try {
      for (;;) {
        const written = await handOver(row, 0, deadline);
        if (written.kind === 'ok') return await answer(key, end);
        if (written.kind === 'refused') throw written.error;
        if (written.kind === 'version') throw new Error('a new id was taken');
        const holder = await heldBy(written.holder, written.name, deadline);
        if (holder === undefined) continue;
        const repeated = await repeat(holder, hash, deadline);
        if (repeated === undefined) throw taken(written.name);
        end();
        return repeated;
      }
    } catch (error) {
      end();
      throw error;
    }
  };

  /** Notes that this user's creation is being answered; to be called when that has ended. */
  function begin(id: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    answering.set(id, promise);
    return () => {
      if (answering.get(id) === promise) answering.delete(id);
      resolve();
    };
  }

  /** The same client asks again because our answer never reached it: it gets the user it made. undefined: it was reached, or it is another. */
  async function repeat(holder: Row, hash: string, deadline: number): Promise<Answer | undefined> {
    if (holder.tenant !== tenant || holder.createMark?.hash !== hash) return undefined;
    for (let other = answering.get(holder.id); other !== undefined; other = answering.get(holder.id)) {
      if (
        (await within(
          other.then(() => true),
          deadline - clock(),
        )) === undefined
      )
        return undefined;
    }
    const end = begin(holder.id);
    // the request that asked for it is gone without an answer: this one gets it
    const row = await updateRow(store, unique, keyOf(holder), answered, true);
    if (row?.createMark?.open === true && shownFacts(row) !== null) return answer(keyOf(row), end);
    end();
    return undefined;
  }

  async function answer(key: Key, end: () => void): Promise<Answer> {
    const row = await store.read(key);
    const facts = row === undefined ? null : shownFacts(row);
    if (row === undefined || facts === null) {
      end();
      throw gone();
    }
    return {
      resource: resourceOf(row, facts, options.nameOf),
      ended(delivered) {
        // when the store fails the mark stays open: one repeat more is 201, never a twin
        const closed = delivered ? updateSeen(store, unique, row, closeMark, { durable: false }) : Promise.resolve();
        closed.catch(() => undefined).finally(end);
      },
    };
  }
}

type Answer = Awaited<ReturnType<Users['create']>>;

/** A create that nobody was told of, as answered; all that is left of it. */
function answered(row: Row): Row {
  if (row.createMark?.open !== true || row.changes.every((change) => change.answered)) return row;
  return { ...row, changes: row.changes.map(({ orphan: _orphan, ...each }) => ({ ...each, answered: true })) };
}

const closeMark = (row: Row): Row =>
  row.createMark?.open === true ? { ...row, createMark: { ...row.createMark, open: false } } : row;

const gone = (): BridgeError =>
  new BridgeError(503, 'the user was removed while it was made; try again', { retryAfter: 1 });
