/** The service user itself, by ZITADEL's v1 services: identity, organization, permissions. Every token may ask. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { OrgState } from '@zitadel/proto/zitadel/org_pb.js';
import type { Inspection } from '../bridge/ports/zitadel.ts';
import type { Call, CallSpec, Result } from './caller.ts';
import type { Users } from './steps.ts';

/** How a call is made: normally, or bypassing breaker and slots. */
export type Manner = Pick<CallSpec, 'lane' | 'urgent'>;

type Found<K extends keyof Inspection> = Promise<Result<NonNullable<Inspection[K]> | undefined>>;

export interface Account {
  /** Also returns the Date header of the answer. undefined: the answer contains no user. */
  user(manner?: Manner, onDate?: (date: string | null) => void): Found<'user'>;
  organization(manner?: Manner): Found<'organization'>;
  permissions(manner?: Manner): Promise<Result<readonly string[]>>;
  /** The roles that members of an organization can have. */
  organizationRoles(manner?: Manner): Promise<Result<readonly string[]>>;
  /** When each personal access token of a user ends (ms since 1970; Infinity: never). */
  tokenEnds(user: string, manner?: Manner): Promise<Result<readonly number[]>>;
  /** Any cheap call as the service user: any answer shows that ZITADEL is up. */
  ping(): Promise<unknown>;
}

export interface AccountOptions {
  readonly call: Call;
  readonly users: Users;
  /** gRPC: the v1 services support nothing else */
  readonly v1: Transport;
}

const STATES = { [OrgState.INACTIVE]: 'inactive', [OrgState.REMOVED]: 'removed' } as const;

/** An id that no user has: used until our own id is known. */
const NOBODY = 'scim-bridge';
/** More tokens than any user has. */
const TOKENS = 100;

export function createAccount({ call, users, v1 }: AccountOptions): Account {
  const auth = createClient(AuthService, v1);
  const management = createClient(ManagementService, v1);
  let own: string | undefined;

  const read = async <T, V>(
    spec: Omit<CallSpec, 'effect'>,
    send: (options: CallOptions) => Promise<T>,
    pick: (answer: T) => V,
  ): Promise<Result<V>> => {
    const result = await call({ ...spec, effect: 'read' }, send);
    return result.kind === 'ok' ? { kind: 'ok', value: pick(result.value) } : result;
  };

  return {
    user: (manner, onDate) =>
      read(
        { name: 'GetMyUser', ...manner },
        (options) => auth.getMyUser({}, { ...options, onHeader: (headers) => onDate?.(headers.get('date')) }),
        ({ user }) => {
          own = user?.id ?? own;
          return user === undefined ? undefined : { id: user.id, name: user.userName };
        },
      ),
    organization: (manner) =>
      read(
        { name: 'GetMyOrg', ...manner },
        (options) => management.getMyOrg({}, options),
        ({ org }) => {
          if (org === undefined) return undefined;
          return { id: org.id, name: org.name, state: STATES[org.state as keyof typeof STATES] ?? 'active' };
        },
      ),
    permissions: (manner) =>
      read(
        { name: 'ListMyZitadelPermissions', ...manner },
        (options) => auth.listMyZitadelPermissions({}, options),
        ({ result }) => result,
      ),
    organizationRoles: (manner) =>
      read(
        { name: 'ListOrgMemberRoles', ...manner },
        (options) => management.listOrgMemberRoles({}, options),
        ({ result }) => result,
      ),
    tokenEnds: (user, manner) =>
      read(
        { name: 'ListPersonalAccessTokens', user, ...manner },
        (options) =>
          users.listPersonalAccessTokens(
            {
              pagination: { limit: TOKENS, asc: true },
              filters: [{ filter: { case: 'userIdFilter', value: { id: user } } }],
            },
            options,
          ),
        ({ result }) =>
          result.map(({ expirationDate }) =>
            expirationDate === undefined ? Number.POSITIVE_INFINITY : timestampMs(expirationDate),
          ),
      ),
    ping: () =>
      call({ name: 'GetUserByID', effect: 'read', urgent: true }, (options) =>
        users.getUserByID({ userId: own ?? NOBODY }, options),
      ),
  };
}
