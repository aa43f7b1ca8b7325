/** ZITADEL as one tenant sees it: the bridge's port over the real API. */
import { createClient, type Transport } from '@connectrpc/connect';
import { SettingsService } from '@zitadel/proto/zitadel/settings/v2/settings_service_pb.js';
import { type CreateUserResponse, UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Outcome, Zitadel } from '../bridge/ports/zitadel.ts';
import { groupOf } from '../mapping/groups.ts';
import type { Step } from '../mapping/steps.ts';
import { createAccount } from './account.ts';
import { createListAdministrators } from './administrators.ts';
import { createListAuthorizations } from './authorizations.ts';
import { type Call, createCaller, type Limits, LIMITS, type OnCall } from './caller.ts';
import { createCatalogue } from './catalogue.ts';
import type { Connection } from './connection.ts';
import { createDirectory } from './directory.ts';
import { createHolder } from './group-store.ts';
import { createInspect } from './inspection.ts';
import { createMovedCall } from './moved.ts';
import { must, outcomeOf, STOPPED } from './outcome.ts';
import { createPermissions } from './permissions.ts';
import { createReader } from './reader.ts';
import { createRecently } from './recently.ts';
import { createRightRunner, isRightCall, type RightRunner } from './right-steps.ts';
import { createRights } from './rights.ts';
import { createStanding, type StandingAsker } from './standing.ts';
import { sendStep, type Users, type Writing } from './steps.ts';
import { createTokens, type Credential } from './token.ts';
import { connectTransport, grpcTransport } from './transport.ts';

export interface ZitadelOptions extends Writing {
  /** shared by all tenants of this ZITADEL */
  readonly connection: Connection;
  readonly credential: Credential;
  readonly limits?: Partial<Limits>;
  /** the token's permissions are read again after this many milliseconds; default 10 s */
  readonly standingMs?: number;
  /** ms since 1970 */
  readonly clock?: () => number;
  readonly onCall?: OnCall;
}

export function createZitadel(options: ZitadelOptions): Zitadel {
  const { connection, organization, credential, onCall, standingMs = 10_000, clock = Date.now } = options;
  const { url, session, services, breaker } = connection;
  const limits = { ...LIMITS, ...options.limits };
  const tokens = createTokens(url, credential, limits.readMs);
  const onBlocked = (): void => {
    standing.doubt();
    mayDo.forget();
  };
  const call = createCaller({ connection, organization, tokens, limits, onCall, onBlocked });
  const transport = connectTransport(url, session, services.rewrite);
  const users = createClient(UserService, transport);
  const account = createAccount({ call, users, v1: grpcTransport(url, session) });
  const standing: StandingAsker = createStanding({
    permissions: () => account.permissions(),
    organization,
    breaker,
    maxAge: standingMs,
  });
  const mayDo = createRecently(() => account.permissions(), standingMs);
  const moved = createMovedCall(call, services);
  const administrators = createListAdministrators(moved, transport);
  const authorizations = createListAuthorizations({ call: moved, transport, services, organization });
  const permissions = createPermissions({ call, users, organization, list: administrators, account });
  breaker.probeBy(account.ping);
  const reader = createReader({ call, users, organization, mayReadUsers: permissions.mayReadUsers });
  return {
    run: createRunner(call, users, options, reader.read, createRightRunner({ call: moved, transport, organization })),
    ...reader,
    ...createDirectory(call, users, organization),
    ...createRights({ organization, administrators, authorizations, permissions: mayDo.get }),
    groupStore: createHolder({ call, users, writing: options }),
    catalogue: createCatalogue({ call: moved, transport, account }),
    protectedUsers: permissions.guarded,
    away: () => breaker.open()?.reason,
    standing: standing.standing,
    inspect: createInspect({ account, credential, url, clock }),
    passwordRules: () => passwordRules(call, transport, organization),
  };
}

/** A create that does not name the user it created may have created none. */
const isFor = (id: string, call: Step['call'], answer: unknown): boolean =>
  call !== 'CreateUser' || (answer as Partial<CreateUserResponse>).id === id;

const UNSURE: Outcome = {
  kind: 'retry',
  definite: false,
  cause: 'answer',
  reason: 'CreateUser: the answer does not hold the id of the user',
};

/** Also the answer to a create whose earlier attempt was only slow: then this very user has the name. */
const NAME_TAKEN = 'V3-DKcYh';

function createRunner(
  call: Call,
  users: Users,
  writing: Writing,
  read: Zitadel['read'],
  runRight: RightRunner,
): Zitadel['run'] {
  return async (id, step, proceed, from) => {
    const { call: name, set } = step;
    if (isRightCall(name)) return await runRight(id, { ...step, call: name }, proceed);
    const lane = isBulk(step) || from === 'queue' ? 'bulk' : 'request';
    const spec = { name, effect: 'write', user: id, lane, proceed, keys: Object.keys(set).length } as const;
    const result = await call(spec, (options) => sendStep(users, id, { call: name, set }, writing, options));
    if (result.kind === 'ok') return isFor(id, name, result.value) ? { kind: 'done' } : UNSURE;
    if (result.kind === 'stopped') return STOPPED;
    if (name === 'CreateUser' && result.failure.id === NAME_TAKEN) {
      const found = await read(id);
      if (found.kind === 'found' || found.kind === 'hidden') return { kind: 'replan', reason: 'create-was-applied' };
      if (found.kind !== 'gone') return found;
    }
    return outcomeOf(result.failure);
  };
}

/** Only memberships: one change of a group may cause thousands of these. */
function isBulk({ call, set }: Step): boolean {
  const isMetadata = call === 'SetUserMetadata' || call === 'DeleteUserMetadata';
  return isMetadata && Object.keys(set).every((fact) => groupOf(fact) !== undefined);
}

async function passwordRules(call: Call, transport: Transport, organization: string) {
  const settings = createClient(SettingsService, transport);
  const request = { ctx: { resourceOwner: { case: 'orgId', value: organization } } } as const;
  const spec = { name: 'GetPasswordComplexitySettings', effect: 'read', lane: 'sync' } as const;
  const rules = must(await call(spec, (options) => settings.getPasswordComplexitySettings(request, options))).settings;
  return {
    minLength: Number(rules?.minLength ?? 0n),
    uppercase: rules?.requiresUppercase ?? false,
    lowercase: rules?.requiresLowercase ?? false,
    number: rules?.requiresNumber ?? false,
    symbol: rules?.requiresSymbol ?? false,
  };
}
