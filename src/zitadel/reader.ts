import type { ReadOutcome, Unreadable, Zitadel } from '../bridge/ports/zitadel.ts';
import type { Facts } from '../mapping/facts.ts';
import type { Lane } from './bulkhead.ts';
import type { Call, Result } from './caller.ts';
import type { Failure } from './decode.ts';
import { must, outcomeOf, unreadable } from './outcome.ts';
import { PAGE, pages } from './pages.ts';
import { metadataFacts, readingOf } from './readings.ts';
import type { Users } from './steps.ts';

export const EMPTY: Unreadable = {
  kind: 'retry',
  definite: true,
  cause: 'answer',
  reason: 'GetUserByID: the answer holds no user',
};

/** All metadata of one user that SCIM keeps. */
export type ListMetadata = (userId: string, lane: Lane) => Promise<Result<Facts>>;

export function createListMetadata(call: Call, users: Users): ListMetadata {
  return async (userId, lane) => {
    const rows = await pages(async (offset) => {
      const request = { userId, pagination: { offset: BigInt(offset), limit: PAGE, asc: true } };
      const result = await call({ name: 'ListUserMetadata', effect: 'read', user: userId, lane }, (options) =>
        users.listUserMetadata(request, options),
      );
      return result.kind === 'ok' ? { kind: 'ok', value: result.value.metadata } : result;
    });
    return rows.kind === 'ok' ? { kind: 'ok', value: metadataFacts(rows.value) } : rows;
  };
}

export interface ReaderOptions {
  readonly call: Call;
  readonly users: Users;
  readonly organization: string;
  /** whether the token may read the users of the organization; never cached */
  readonly mayReadUsers: () => Promise<boolean>;
}

export function createReader({
  call,
  users,
  organization,
  mayReadUsers,
}: ReaderOptions): Pick<Zitadel, 'read' | 'metadata'> {
  const getUser = (userId: string) =>
    call({ name: 'GetUserByID', effect: 'read', user: userId }, (options) => users.getUserByID({ userId }, options));

  const listMetadata = createListMetadata(call, users);

  /**
   * A token of one organization gets AUTHZ-cdgFk for users of others, and for all users once it has lost its own role:
   * only while it may read here does that answer mean that the user is not here.
   */
  async function isForeign(id: string, failure: Failure): Promise<boolean> {
    if (failure.id !== 'AUTHZ-cdgFk' || !(await mayReadUsers())) return false;
    const again = await getUser(id);
    return again.kind === 'failed' && again.failure.id === 'AUTHZ-cdgFk';
  }

  /** An empty update of an existing user is OK and writes no event (ChangeUserHuman): commands read the events. */
  async function asCommandsSay(userId: string): Promise<ReadOutcome> {
    const result = await call({ name: 'UpdateUser', effect: 'read', user: userId }, (options) =>
      users.updateUser({ userId, userType: { case: 'human', value: {} } }, options),
    );
    if (result.kind === 'stopped') throw new Error('a read is never stopped');
    if (result.kind === 'ok') return { kind: 'hidden' };
    return outcomeOf(result.failure).kind === 'gone' ? { kind: 'gone' } : unreadable(result.failure);
  }

  async function failed(id: string, failure: Failure, isStrange: boolean): Promise<ReadOutcome> {
    if (outcomeOf(failure).kind === 'gone') return isStrange ? { kind: 'gone' } : asCommandsSay(id);
    return (await isForeign(id, failure)) ? { kind: 'gone' } : unreadable(failure);
  }

  return {
    async read(id, isStrange = false) {
      const [user, metadata] = await Promise.all([getUser(id), listMetadata(id, 'request')]);
      if (user.kind === 'failed') return failed(id, user.failure, isStrange);
      if (metadata.kind === 'failed') return unreadable(metadata.failure);
      if (user.kind === 'stopped' || metadata.kind === 'stopped') throw new Error('a read is never stopped');
      const found = user.value.user;
      // an empty answer does not mean that a user is gone
      if (found?.details === undefined || found.type.case === undefined) return EMPTY;
      const reading = readingOf(found, organization, metadata.value);
      return reading === undefined ? { kind: 'gone' } : { kind: 'found', reading };
    },
    async metadata(id) {
      const result = await listMetadata(id, 'sync');
      // not an outage, which would end the sweep over all other users
      if (result.kind === 'failed' && result.failure.unread === true) throw new Error(result.failure.message);
      return must(result);
    },
  };
}
