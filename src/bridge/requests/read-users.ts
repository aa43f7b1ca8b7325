/** Reads one user: from its row while that is fresh, otherwise from ZITADEL. */
import { BridgeError } from '../../errors.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import { absent, isId, isIdle, shownFacts } from '../row/views.ts';
import { discover, hide, observe, vanish } from '../row/transitions.ts';
import { within } from '../timing.ts';
import { insertRow, updateRow } from '../row/update-row.ts';
import type { RequestContext } from './context.ts';

/** Reads the users of a tenant. */
export interface UserView {
  readonly requests: RequestContext;
  readonly unique: Unique;
  readonly zitadel: Zitadel;
  /** running reads of users, by id */
  readonly refreshing: Map<string, Promise<Row | undefined>>;
}

/** The row of an existing user, read from ZITADEL if older than `maxAgeMs`. Throws 404. */
export async function readUser(view: UserView, id: string, maxAgeMs = view.requests.timing.viewMaxAgeMs): Promise<Row> {
  if (!isId(id)) throw absent();
  const { tenant, store, deliver, clock } = view.requests;
  const key = { tenant, id };
  let kept = await store.read(key);
  if (kept !== undefined && wasLeft(kept)) {
    // while the store cannot be written, its content is shown
    await within(
      deliver(key).catch(() => undefined),
      readWithinMs(view),
    );
    kept = await store.read(key);
    if (kept !== undefined && kept.doubt && isBeingMade(kept)) throw undecided();
  }
  const usable =
    kept !== undefined &&
    (kept.tombstone !== null ||
      kept.confirmed === null ||
      !isIdle(kept) ||
      Math.abs(clock() - kept.verifiedAt) <= maxAgeMs);
  const now = usable ? kept : await inTime(view, refresh(view, key), kept);
  if (now === undefined || shownFacts(now) === null) throw absent();
  return now;
}

/** Users that match by an index; if none do, ZITADEL is asked once, to find a user created in its console. */
export async function findUsers(
  view: UserView,
  index: 'userName' | 'externalId' | 'email',
  value: string,
): Promise<readonly Row[]> {
  const { tenant, store } = view.requests;
  const rows = await store.find(tenant, index, value);
  if (rows.length > 0 || index === 'externalId') return rows;
  // while ZITADEL is unreachable the view answers, as for every list
  return inTime(view, fromZitadel(view, index, value), rows);
}

async function fromZitadel(view: UserView, index: 'userName' | 'email', value: string): Promise<readonly Row[]> {
  const { tenant, store } = view.requests;
  const ids = await view.zitadel.find(index, value);
  for (const id of Array.isArray(ids) ? (ids as readonly string[]) : []) await refresh(view, { tenant, id });
  return store.find(tenant, index, value);
}

/** One read of a user at a time, shared by all callers. */
function refresh(view: UserView, key: Key): Promise<Row | undefined> {
  const { refreshing } = view;
  const running = refreshing.get(key.id) ?? readAgain(view, key).finally(() => refreshing.delete(key.id));
  refreshing.set(key.id, running);
  return running;
}

/** Writes a refresh only if the row was not written meanwhile; while ZITADEL is unreachable the row stays as it is. */
async function readAgain(view: UserView, key: Key): Promise<Row | undefined> {
  const { store, clock } = view.requests;
  const before = await store.read(key);
  const answer = await view.zitadel.read(key.id, before === undefined);
  const now = clock();
  if (answer.kind === 'gone') return before === undefined ? undefined : write(view, before, (row) => vanish(row, now));
  if (answer.kind === 'hidden')
    return before === undefined || before.confirmed === null ? before : write(view, before, (row) => hide(row, now));
  if (answer.kind !== 'found') {
    if (before !== undefined) return before;
    const retryAfter = answer.kind === 'retry' ? (answer.retryAfter ?? 5) : 5;
    throw new BridgeError(503, 'ZITADEL cannot be reached now; try again later', { retryAfter });
  }
  const { reading } = answer;
  if (before === undefined) return insertRow(store, view.unique, key, now, (row) => discover(row, reading, now));
  return write(view, before, (row) => observe(row, reading, now));
}

async function write({ requests, unique }: UserView, before: Row, make: (row: Row) => Row): Promise<Row | undefined> {
  const same = (row: Row): boolean => isIdle(row) && row.version === before.version;
  return (await updateRow(requests.store, unique, before, (row) => (same(row) ? make(row) : row))) ?? undefined;
}

/** Half of a request's time: later calls to ZITADEL need some as well. */
const readWithinMs = ({ requests }: UserView): number => requests.timing.answerWithinMs / 2;

/** The longest wait for ZITADEL: after that the stored row is used. */
async function inTime<T>(view: UserView, read: Promise<T>, kept: T): Promise<T> {
  const answer = await within(
    read.then((value) => ({ value })),
    readWithinMs(view),
  );
  if (answer !== undefined) return answer.value;
  if (kept === undefined) throw new BridgeError(503, 'ZITADEL has not answered in time; try again', { retryAfter: 5 });
  return kept;
}

const undecided = (): BridgeError =>
  new BridgeError(503, 'it is not known yet whether this user was created; try again', { retryAfter: 2 });

/** In doubt, and not delivered since: a request is working on it, or its process has died. */
const wasLeft = (row: Row): boolean => row.doubt && row.attempts === 0 && row.tombstone === null;

/** A create that was not acknowledged. */
const isBeingMade = ({ confirmed, pending }: Row): boolean =>
  confirmed === null &&
  pending.some(({ kind, acknowledged, abandoned }) => kind === 'create' && !acknowledged && !abandoned);
