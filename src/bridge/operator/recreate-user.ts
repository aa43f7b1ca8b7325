/** Recreates a user that stays hidden: it is deleted and created again under a new id. */
import { BridgeError } from '../../errors.ts';
import { groupKey, MEMBER, membershipsOf } from '../../mapping/groups.ts';
import { toFacts } from '../../mapping/users.ts';
import type { ProtectedUsers } from '../delivery/protected-users.ts';
import type { Done } from '../ports/operator.ts';
import type { Clock, Context, Ids } from '../ports/context.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import type { Deliver } from '../delivery/target.ts';
import { indexOf, newChange, nextRevision, shownFacts, userOf } from '../row/views.ts';
import type { Timing } from '../timing.ts';
import { create, enqueue, schedule } from '../row/transitions.ts';
import { updateRow } from '../row/update-row.ts';

export interface RecreateOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'read'>;
  readonly deliver: Deliver;
  readonly refusalFor: ProtectedUsers['refusalFor'];
  readonly ids: Ids;
  readonly clock: Clock;
  readonly timing: Timing;
}

/** Maximum number of conflicts with requests for the user. */
const MOST_TRIES = 10;

const LOST =
  'the identity provider has to look it up again by its userName; its password, sign-in methods and links to other identity providers are gone, ' +
  'roles come back as far as rules give them';

/** Throws BridgeError: 404 no such user, 403 protected, 409 not hidden or an operator must look at it first, 503. */
export function createRecreate(options: RecreateOptions): (id: string) => Promise<Done> {
  const { tenant, unique, store, zitadel, deliver: reconcile, ids, clock, timing } = options;
  const ctx: Context = { tenant, who: 'operator', txn: 'recreate' };

  return async (id) => {
    const old = { tenant, id };
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const row = await recreatable(old);
      const next = { tenant, id: ids() };
      // first: whatever happens from here on, one of the two rows has the user
      await insert(row, next);
      if (await remove(row)) return await deliver(old, next);
      await updateRow(store, unique, next, () => null, true);
    }
    throw new BridgeError(503, 'others write to this user again and again; try again', { retryAfter: 5 });
  };

  async function recreatable(key: Key): Promise<Row> {
    const row = await store.read(key);
    if (row === undefined || row.tombstone !== null)
      throw new BridgeError(404, `there is no user ${key.id} of tenant ${tenant}`);
    const answer = await zitadel.read(key.id);
    if (answer.kind === 'retry' || answer.kind === 'blocked')
      throw new BridgeError(503, `ZITADEL could not be read: ${answer.reason}`, { retryAfter: 5 });
    if (answer.kind !== 'hidden')
      throw new BridgeError(409, `user ${key.id} is not hidden: ZITADEL says that it is ${answer.kind}`);
    if (row.deadLetters.length > 0 || row.pending.some(({ onHold: held }) => held))
      throw new BridgeError(
        409,
        `user ${key.id} has dead letters or changes on hold: retry, release or drop them first`,
      );
    if (shownFacts(row) === null) throw new BridgeError(409, `user ${key.id} is being deleted`);
    const forbidden = options.refusalFor(key.id, { kind: 'delete', facts: {} });
    if (forbidden !== undefined) throw forbidden;
    return row;
  }

  /**
   * Inserts the new row without a reservation: its name belongs to the old row until that is written, and its delivery
   * waits for that.
   */
  async function insert(row: Row, key: Key): Promise<void> {
    const now = clock();
    const shown = shownFacts(row) ?? {};
    const groups = membershipsOf(shown);
    const facts = {
      ...toFacts(userOf(shown), key.id),
      ...Object.fromEntries(groups.map((group) => [groupKey(group), MEMBER])),
    };
    const asked = { revision: 1, kind: 'create', facts, named: [], at: now } as const;
    const rights = groups.length > 0 ? ({ rights: true } as const) : {};
    const change = { ...newChange(ctx, { ...asked, ...rights }), acknowledged: true };
    const made = create(key, change, { trusted: row.trusted, dueAt: now + timing.leaseMs });
    const index = { ...indexOf(made, unique), reservations: [] };
    const written = await store.write({ key, expect: 0, row: made, index }, { durable: true });
    if (written.kind !== 'ok') throw new Error('a new id was taken');
  }

  /** False: the row was written since. */
  async function remove(row: Row): Promise<boolean> {
    let isRemoved = false;
    await updateRow(
      store,
      unique,
      row,
      (now) => {
        isRemoved = now.version === row.version;
        if (!isRemoved) return now;
        const asked = { revision: nextRevision(now), kind: 'delete', facts: {}, named: [], at: clock() } as const;
        return enqueue(now, newChange(ctx, asked), clock());
      },
      true,
    );
    return isRemoved;
  }

  async function deliver(old: Key, next: Key): Promise<Done> {
    await updateRow(store, unique, next, (row) => schedule(row, clock()), true);
    await reconcile(old);
    await reconcile(next);
    const [left, made] = [await store.read(old), await store.read(next)];
    const isDone = left?.pending.length === 0 && made?.pending.length === 0 && made.deadLetters.length === 0;
    const what = isDone ? 'is deleted and was created again' : 'is being deleted and created again';
    return { rows: 1, told: `user ${old.id} ${what} under the new id ${next.id}: ${LOST}` };
  }
}
