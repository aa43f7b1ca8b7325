import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import { ERRORS, meaning } from '../../src/zitadel/error-table.ts';
import { integrityViolation } from '../../sandbox/errors.ts';
import { decode } from '../../src/zitadel/decode.ts';
import { outcomeOf } from '../../src/zitadel/outcome.ts';

interface Exchange {
  readonly name: string;
  readonly method: string;
  readonly request: { readonly keys?: readonly string[] };
  readonly error?: {
    readonly code: string;
    readonly id: string | null;
    readonly message: string;
    readonly detailMessage?: string;
  };
}

const recorded = JSON.parse(readFileSync(new URL('exchanges.json', import.meta.url), 'utf8')) as readonly Exchange[];

/** Calls that the bridge makes, lists aside: what goes wrong there is an outage. */
const CALLS = new Set(
  'CreateUser UpdateUser UpdateHumanUser SetUserMetadata DeleteUserMetadata DeactivateUser ReactivateUser LockUser UnlockUser DeleteUser GetUserByID ListUserMetadata CreateAdministrator UpdateAdministrator DeleteAdministrator CreateAuthorization UpdateAuthorization DeleteAuthorization'.split(
    ' ',
  ),
);

/** Every recorded error of these calls, by its name: what the bridge makes of it. */
const EXPECTED: Readonly<Record<string, string>> = {
  'create, username taken': '409 uniqueness userName',
  'create, username taken in other case': '409 uniqueness userName',
  'create, username taken in another organization': '409 uniqueness userName',
  'create, user_id taken, other username': 'replan',
  'create, IdP unknown': '400 invalidValue The external identity provider',
  'create, bad email (validation)': '400 invalidValue emails.value',
  'create, bad email caught later': '400 invalidValue emails.value',
  'create, bad phone': '400 invalidValue phoneNumbers.value',
  'create, empty given name': '400 invalidValue name.givenName',
  'create, empty family name': '400 invalidValue name.familyName',
  'create, username blank': '400 invalidValue userName',
  'create, password policy: Ab1!':
    '400 invalidValue The password breaks the password policy of the ZITADEL organization: it is too short (Password is too short)',
  'create, password 73 bytes': '400 invalidValue password is longer than 72 bytes',
  'create, metadata with empty value': '400 invalidValue An attribute that is kept as ZITADEL metadata',
  "create, username is an email under another org's verified domain": '400 invalidValue userName',
  'get by id, unknown': 'gone',
  'update, unknown': 'gone',
  'update, only username, no human': 'retry',
  'update, username taken': '409 uniqueness userName',
  'update, nickName empty': '400 invalidValue nickName',
  'update, displayName empty': '400 invalidValue displayName',
  'update phone empty with is_verified': '400 invalidValue phoneNumbers',
  'update password, policy': '400 invalidValue The password breaks',
  'update machine as human': 'gone',
  'deactivate, already inactive': 'already',
  'deactivate, unknown': 'gone',
  'reactivate, active': 'already',
  'reactivate, unknown': 'gone',
  'unlock, not locked': 'already',
  'deactivate, initial': 'replan',
  'set metadata, unknown user': 'gone',
  'set metadata, empty list': 'replan',
  'set metadata, empty value': '400 invalidValue An attribute that is kept as ZITADEL metadata',
  'list metadata, limit 1001': 'retry',
  'delete metadata, one key missing': 'replan',
  'delete metadata, empty list': 'replan',
  'create with IdP link already taken': '409 uniqueness The account at the external identity provider',
  'delete user, already deleted': 'gone',
  'get user, deleted': 'gone',
  'set metadata, deleted': 'gone',
  'no authorization header': 'blocked',
  'bad token': 'blocked',
  'unknown org in x-zitadel-orgid': 'blocked',
  'no membership, GetUserByID': 'blocked',
  'no membership, CreateUser': 'blocked',
  'CreateUser in unknown organization as ORG_OWNER': 'blocked',
  'unknown host': 'blocked',
  'reactivate of an active user as no role': 'already',
  'delete unknown user as no role': 'gone',
  'update user of B as ORG_OWNER of A': 'blocked',
  'get user of B as ORG_OWNER of A': 'blocked',
  'get user of a deleted organization': 'gone',
  'administrator create, already one': 'replan',
  'administrator create, user unknown': 'gone',
  'administrator create, deleted user': 'gone',
  'administrator create, unknown organization': '400 invalidValue The organization does not exist',
  'administrator create, bad role': '400 invalidValue An organization role',
  'administrator create, no roles': 'replan',
  'administrator update, not one': 'replan',
  'administrator update, bad role': '400 invalidValue An organization role',
  'administrator update of a real one as mgr': 'blocked',
  'missing permission: administrator create as ORG_USER_MANAGER': 'blocked',
  'administrator create on B as ORG_OWNER of A': 'blocked',
  'authorization create, duplicate': 'replan',
  'authorization create, role not on project': '400 invalidValue A role that a rule gives',
  'authorization create, project unknown': '400 invalidValue The project that a rule names',
  'authorization create, organization without a project grant': '400 invalidValue The project that a rule names',
  'authorization create, user unknown': 'gone',
  'authorization update, unknown': 'replan',
};

/** A recorded answer as a Connect client throws it. */
function thrown({ error }: Exchange): ConnectError {
  const code = (error?.code ?? '')
    .toLowerCase()
    .replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const connect = new ConnectError(error?.message ?? '', Code[code as keyof typeof Code]);
  connect.isWireError = true;
  if (error?.id !== null && error?.id !== undefined) {
    const value = create(ErrorDetailSchema, { id: error.id, message: error.detailMessage ?? '' });
    connect.details.push({ type: ErrorDetailSchema.typeName, value: toBinary(ErrorDetailSchema, value) });
  }
  return connect;
}

for (const exchange of recorded) {
  if (exchange.error === undefined || !CALLS.has(exchange.method)) continue;
  test(`recorded: ${exchange.method}: ${exchange.name}`, () => {
    const expected = EXPECTED[exchange.name];
    assert.ok(expected !== undefined, 'say above what the bridge makes of it');
    const keys = exchange.request.keys?.length;
    const failure = { ...decode(exchange.method, thrown(exchange)), ...(keys === undefined ? {} : { keys }) };
    assert.equal(failure.id, exchange.error?.id || null, 'an empty id is none');
    const outcome = outcomeOf(failure);
    if (outcome.kind !== 'refused') return assert.equal(outcome.kind, expected);
    const { status, scimType, message } = outcome.error;
    assert.ok(`${status} ${scimType} ${message}`.startsWith(expected), `${status} ${scimType} ${message}`);
    assert.doesNotMatch(message, /[{}]/);
  });
}

test('every recorded error is listed by id, but one whose id is empty', () => {
  const unlisted = recorded.filter(({ error, method }) => {
    if (error?.id === null || error?.id === undefined || !CALLS.has(method)) return false;
    return !ERRORS.some((each) => each.on === error.id && (each.call === '*' || each.call === method));
  });
  assert.deepEqual(
    unlisted.map((each) => each.name),
    ['update, only username, no human'],
  );
});

test('no two rows are about the same answers', () => {
  const keys = ERRORS.map(({ call, on, says, keys: count }) => [call, on, says, count].join(' | '));
  assert.equal(new Set(keys).size, keys.length);
});

test('refused rows say what a client is answered, others do not', () => {
  for (const each of ERRORS) assert.equal(each.status !== undefined, each.kind === 'refused', each.on);
  for (const each of ERRORS) if (each.definite === true) assert.equal(each.kind, 'retry', each.on);
});

test('codes without a listed id', () => {
  const kind = (code: string, id: string | null = null): string =>
    meaning({ call: 'UpdateUser', code, id, message: 'x' }).kind;
  for (const code of ['INVALID_ARGUMENT', 'ALREADY_EXISTS', 'OUT_OF_RANGE']) assert.equal(kind(code), 'refused');
  assert.equal(kind('FAILED_PRECONDITION', 'COMMAND-new'), 'refused');
  assert.equal(kind('FAILED_PRECONDITION'), 'retry');
  for (const code of ['UNAUTHENTICATED', 'PERMISSION_DENIED']) assert.equal(kind(code), 'blocked');
  for (const code of [
    'NOT_FOUND',
    'UNIMPLEMENTED',
    'CANCELED',
    'UNKNOWN',
    'INTERNAL',
    'UNAVAILABLE',
    'ABORTED',
    'DATA_LOSS',
  ])
    assert.equal(kind(code, 'SQL-new'), 'retry');
  assert.equal(kind('NOT_FOUND', 'AUTHZ-new'), 'blocked');
});

test('one metadata key that is not there is fine, of several none was deleted', () => {
  const answer = {
    call: 'DeleteUserMetadata',
    code: 'NOT_FOUND',
    id: 'META-2nnds',
    message: 'One or more keys do not exist',
  };
  assert.equal(meaning({ ...answer, keys: 1 }).kind, 'already');
  assert.equal(meaning({ ...answer, keys: 2 }).kind, 'replan');
});

test('nothing was written on an integrity violation; of an unlisted error nobody knows', () => {
  const unknown = (message: string): ConnectError =>
    Object.assign(new ConnectError(message, Code.Unknown), { isWireError: true });
  const definite = (error: ConnectError): unknown => {
    const outcome = outcomeOf(decode('SetUserMetadata', error));
    return outcome.kind === 'retry' && outcome.definite;
  };
  for (const version of ['A', 'B', 'C'] as const) {
    // as it is read from the wire: newer versions send a detail with an empty id
    const error = integrityViolation(version);
    const details = error.details.flatMap((each) =>
      'desc' in each
        ? [{ type: each.desc.typeName, value: toBinary(ErrorDetailSchema, create(ErrorDetailSchema, each.value)) }]
        : [],
    );
    const read = Object.assign(unknown(error.rawMessage), { details });
    assert.equal(decode('SetUserMetadata', read).id, null);
    assert.equal(definite(read), true, version);
    const outcome = outcomeOf(decode('SetUserMetadata', read));
    assert.match('reason' in outcome ? outcome.reason : '', /^SetUserMetadata: UNKNOWN /);
  }
  assert.equal(definite(unknown('context deadline exceeded')), false);
});
