/** The users that the token must not lock out. */
import type { Administrator } from '@zitadel/proto/zitadel/internal_permission/v2beta/query_pb.js';
import { UserState } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import type { ProtectedByZitadel } from '../bridge/ports/zitadel.ts';
import type { Account } from './account.ts';
import type { ListAdministrators, Resource } from './administrators.ts';
import type { Call } from './caller.ts';
import type { Failure } from './decode.ts';
import { must, outcomeOf, unreadable } from './outcome.ts';
import type { Users } from './steps.ts';

export interface Permissions {
  /** Whether the token may read the users of its organization; false also when ZITADEL does not say. */
  mayReadUsers(): Promise<boolean>;
  /** Throws BridgeError 503 when ZITADEL is down. */
  guarded(): Promise<ProtectedByZitadel>;
}

export interface PermissionsOptions {
  readonly call: Call;
  readonly users: Users;
  readonly organization: string;
  readonly list: ListAdministrators;
  readonly account: Account;
}

export function createPermissions({ call, users, organization, list, account }: PermissionsOptions): Permissions {
  /** All rows that the token sees: without permission it sees only its own row, or none. */
  async function administrators(resource: Resource): Promise<readonly Administrator[]> {
    const result = await list(resource, 'sync');
    if (result.kind === 'failed' && unreadable(result.failure).kind === 'blocked') return [];
    return must(result);
  }

  /**
   * Owners that are active people. Machines do not count: they cannot help a user who is locked out. Owners from other
   * organizations that cannot be read do not count either; temporarily unreadable ones may count, so this fails then.
   */
  async function activePeople(owners: readonly string[]): Promise<ReadonlySet<string>> {
    const active = new Set<string>();
    for (const userId of owners) {
      const result = await call({ name: 'GetUserByID', effect: 'read', user: userId, lane: 'sync' }, (options) =>
        users.getUserByID({ userId }, options),
      );
      if (result.kind === 'failed' && isUnknown(result.failure)) must(result);
      if (result.kind !== 'ok') continue;
      const { user } = result.value;
      if (user?.state === UserState.ACTIVE && user.type.case === 'human') active.add(userId);
    }
    return active;
  }

  return {
    async mayReadUsers() {
      const result = await account.permissions();
      return result.kind === 'ok' && result.value.includes('user.read');
    },

    async guarded() {
      const [user, ofInstance, ofOrganization] = await Promise.all([
        account.user({ lane: 'sync' }),
        administrators({ case: 'instance', value: true }),
        administrators({ case: 'organizationId', value: organization }),
      ]);
      const own = must(user)?.id;
      const owners = ofOrganization.flatMap(({ user: holder, roles }) =>
        holder !== undefined && holder.id !== own && roles.includes('ORG_OWNER') ? [holder.id] : [],
      );
      const reasons = new Map<string, string>();
      for (const { user: holder, roles } of ofInstance)
        if (holder !== undefined) reasons.set(holder.id, `it holds the instance role ${roles.join(', ')}`);
      if (own !== undefined) reasons.set(own, 'it is the service user of the bridge');
      return { own, reasons, activeOwners: await activePeople(owners) };
    },
  };
}

/** ZITADEL did not answer for the user: neither that it is gone nor that it may not be read. */
const isUnknown = (failure: Failure): boolean => failure.id === null && outcomeOf(failure).kind === 'retry';
