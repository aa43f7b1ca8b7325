/** Whom the token must not lock out. */
import type { Administrator } from '@zitadel/proto/zitadel/internal_permission/v2beta/query_pb.js';
import { UserState } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import type { ProtectedByZitadel } from '../bridge/ports/zitadel.ts';
import type { Account } from './account.ts';
import type { ListAdministrators, Resource } from './administrators.ts';
import type { Call } from './caller.ts';
import { must, unreadable } from './outcome.ts';
import type { Users } from './steps.ts';

export interface Permissions {
  /** Whether the token may read the users of its organization; false also when ZITADEL does not say. */
  mayReadUsers(): Promise<boolean>;
  /** Throws BridgeError 503 when ZITADEL is away. */
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
  /** All that the token sees: a token without the right sees its own row, or none. */
  async function administrators(resource: Resource): Promise<readonly Administrator[]> {
    const result = await list(resource, 'sync');
    if (result.kind === 'failed' && unreadable(result.failure).kind === 'blocked') return [];
    return must(result);
  }

  /** Owners that are active users. Those of other organizations that cannot be read do not count. */
  async function activeOf(owners: readonly string[]): Promise<ReadonlySet<string>> {
    const active = new Set<string>();
    for (const userId of owners) {
      const result = await call({ name: 'GetUserByID', effect: 'read', user: userId, lane: 'sync' }, (options) =>
        users.getUserByID({ userId }, options),
      );
      if (result.kind === 'ok' && result.value.user?.state === UserState.ACTIVE) active.add(userId);
    }
    return active;
  }

  return {
    async mayReadUsers() {
      const result = await account.permissions();
      return result.kind === 'ok' && result.value.includes('user.read');
    },

    async guarded() {
      const own = must(await account.user({ lane: 'sync' }))?.id;
      const ofInstance = await administrators({ case: 'instance', value: true });
      const ofOrganization = await administrators({ case: 'organizationId', value: organization });
      const owners = ofOrganization.flatMap(({ user, roles }) =>
        user !== undefined && roles.includes('ORG_OWNER') ? [user.id] : [],
      );
      const reasons = new Map<string, string>();
      for (const { user, roles } of ofInstance)
        if (user !== undefined) reasons.set(user.id, `it holds the instance role ${roles.join(', ')}`);
      if (own !== undefined) reasons.set(own, 'it is the service user of the bridge');
      return { reasons, activeOwners: await activeOf(owners) };
    },
  };
}
