/** THE ERROR TABLE: what ZITADEL's error answers mean. */
import { NAME_TAKEN, type ScimErrorType } from '../errors.ts';

/**
 * What an error answer of ZITADEL means for the bridge.
 * refused: never with this content. retry: not now. already: it is so already. gone: the user does not exist.
 * blocked: token, permission or address. replan: ZITADEL's state is not as assumed; read and plan again.
 */
export type ErrorKind = 'refused' | 'retry' | 'already' | 'gone' | 'blocked' | 'replan';

/** An error answer as received, of one call to ZITADEL. */
export interface Answer {
  /** method name, e.g. CreateUser */
  readonly call: string;
  /** Connect code in capitals, e.g. NOT_FOUND */
  readonly code: string;
  /** ErrorDetail.id; null when the answer had none */
  readonly id: string | null;
  readonly message: string;
  /** number of metadata keys in the call */
  readonly keys?: number;
}

/** One row of THE ERROR TABLE: `call` (or '*') and `on` (ErrorDetail id, 'PREFIX-*', Connect code) select answers. */
export interface ErrorRow {
  readonly call: string;
  readonly on: string;
  /** text the message must contain: ZITADEL uses one id for several conditions, and none for others */
  readonly says?: string;
  /** whether the call named one metadata key, or several */
  readonly keys?: 'one' | 'several';
  /** only for answers with an id */
  readonly withId?: true;
  readonly kind: ErrorKind;
  /** the client's answer when refused */
  readonly status?: number;
  readonly scimType?: ScimErrorType;
  /** for the administrator of the identity provider (refused) or of the bridge; {says} is ZITADEL's own text */
  readonly detail: string;
  /** retry only: certainly nothing was applied */
  readonly definite?: true;
}

type RowShape = Omit<ErrorRow, 'call' | 'on' | 'kind' | 'detail'>;

function row(call: string, on: string, kind: ErrorKind, detail: string, shape: RowShape = {}): ErrorRow {
  return { call, on, kind, detail, ...shape };
}

const invalid = { status: 400, scimType: 'invalidValue' } as const;
const taken = { status: 409, scimType: 'uniqueness' } as const;
const CHECK = 'ZITADEL refused the request. Its words: {says}. Correct the value in the identity provider.';
const NO_RIGHTS =
  'the service user may not do this: it needs ORG_USER_MANAGER in the organization, for roles of the organization ORG_OWNER';
const NOT_MEMBER =
  'the service user has no role in the organization: check ZITADEL_ORG_ID, and give it ORG_USER_MANAGER there';
const POLICY = 'The password breaks the password policy of the ZITADEL organization';

/**
 * THE ERROR TABLE. Nothing else decides what an error answer of ZITADEL means. docs/errors.md is generated from it.
 * Ids and messages are as measured (test/zitadel/exchanges.json); those not recorded there come from ZITADEL's source.
 * More specific rows win: see `meaning`.
 */
// biome-ignore format: one row is one fact
export const ERRORS: readonly ErrorRow[] = [
  // names and ids that are taken
  row('CreateUser', 'V3-DKcYh', 'refused', NAME_TAKEN, taken),
  row('UpdateUser', 'V3-DKcYh', 'refused', NAME_TAKEN, taken),
  row('*', 'V3-DKcYh', 'refused', 'The value is already taken in ZITADEL: {says}.', taken),
  row('*', 'V3-DKcYh', 'refused', 'The account at the external identity provider is already linked to another ZITADEL user: remove that link first.', { ...taken, says: 'External IDP' }),
  row('CreateUser', 'COMMAND-7yiox1isql', 'replan', 'a user with this id exists already'),
  row('CreateUser', 'COMMAND-k2una', 'replan', 'a user with this id exists already'),
  row('CreateUser', 'COMMAND-QXPGs', 'blocked', 'ZITADEL does not know the organization: check ZITADEL_ORG_ID'),
  row('CreateUser', 'COMMAND-39nf2', 'refused', 'The external identity provider is not set up in ZITADEL.', invalid),
  row('*', 'COMMAND-SFd21', 'refused', 'userName ends in a domain that another ZITADEL organization has verified as its own: use another userName, or release the domain there.', invalid),

  // values that ZITADEL's commands refuse
  row('*', 'EMAIL-599BI', 'refused', 'emails.value is not an e-mail address that ZITADEL accepts: send the bare address (local@domain, no display name, no quotes).', invalid),
  row('*', 'EMAIL-599GV', 'refused', 'emails.value is not an e-mail address that ZITADEL accepts: send the bare address (local@domain, no display name).', invalid),
  row('*', 'EMAIL-spblu', 'refused', 'emails.value is empty: send an e-mail address.', invalid),
  row('*', 'PHONE-so0wa', 'refused', 'phoneNumbers.value is not a phone number that ZITADEL accepts: send it in international form, e.g. +41791234567.', invalid),
  row('UpdateUser', 'USERv2-4f3d6', 'refused', 'phoneNumbers cannot be removed and verified in one call.', invalid),
  row('*', 'USER-UCej2', 'refused', 'name.givenName must not be blank.', invalid),
  row('*', 'USER-4hB7d', 'refused', 'name.familyName must not be blank.', invalid),
  row('*', 'V2-zzad3', 'refused', 'userName must not be blank.', invalid),
  row('*', 'USER-JDk4t', 'refused', 'The password hash has a format that this ZITADEL cannot verify: allow bcrypt under SystemDefaults.PasswordHasher.Verifiers, or set PASSWORDS=ignore.', invalid),
  row('*', 'CRYPT-r8Qm2', 'refused', 'The password hash has a format that this ZITADEL cannot verify: allow bcrypt under SystemDefaults.PasswordHasher.Verifiers, or set PASSWORDS=ignore.', invalid),
  row('*', 'USERv2-j0z7uy', 'refused', 'An attribute that is kept as ZITADEL metadata was sent in two places of one call.', invalid),
  row('*', 'META-2m00f', 'refused', 'An attribute that is kept as ZITADEL metadata has an empty key or value.', invalid),

  // password policy: COMMA- on create, DOMAIN- on update
  ...(['COMMA', 'DOMAIN'] as const).flatMap((prefix) => [
    row('*', `${prefix}-HuJf6`, 'refused', `${POLICY}: it is too short ({says}). Send a longer one, or relax the policy.`, invalid),
    row('*', `${prefix}-co3Xw`, 'refused', `${POLICY}: it needs a lower-case letter ({says}).`, invalid),
    row('*', `${prefix}-VoaRj`, 'refused', `${POLICY}: it needs an upper-case letter ({says}).`, invalid),
    row('*', `${prefix}-ZBv4H`, 'refused', `${POLICY}: it needs a digit ({says}).`, invalid),
    row('*', `${prefix}-ZDLwA`, 'refused', `${POLICY}: it needs a symbol, e.g. ! or % ({says}).`, invalid),
  ]),
  row('*', 'UNKNOWN', 'refused', 'password is longer than 72 bytes, the most that ZITADEL can store: send a shorter one.', { ...invalid, says: 'bcrypt: password length exceeds 72 bytes' }),

  // values that ZITADEL's request validation refuses: no id, the field is in the text
  row('*', 'INVALID_ARGUMENT', 'refused', 'emails.value is not an e-mail address that ZITADEL accepts (local@domain, at most 200 characters).', { ...invalid, says: 'Email.Email:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'phoneNumbers.value is longer than 200 characters.', { ...invalid, says: 'Phone.Phone:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'name.givenName must have 1 to 200 characters.', { ...invalid, says: 'Profile.GivenName:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'name.familyName must have 1 to 200 characters.', { ...invalid, says: 'Profile.FamilyName:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'nickName must have at most 200 characters.', { ...invalid, says: 'Profile.NickName:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'displayName must have at most 200 characters.', { ...invalid, says: 'Profile.DisplayName:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'preferredLanguage must have at most 10 characters.', { ...invalid, says: 'Profile.PreferredLanguage:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'userName must have 1 to 200 characters.', { ...invalid, says: 'Request.Username:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'An attribute that is kept as ZITADEL metadata must have 1 to 500,000 bytes.', { ...invalid, says: 'Metadata.Value:' }),
  row('*', 'INVALID_ARGUMENT', 'refused', 'An attribute that is kept as ZITADEL metadata has a key of more than 200 characters.', { ...invalid, says: 'Metadata.Key:' }),

  // states
  row('DeactivateUser', 'COMMAND-5gunjw0cd7', 'already', 'the user is inactive already'),
  row('ReactivateUser', 'COMMAND-s5qqcz97hf', 'already', 'the user is not inactive'),
  row('UnlockUser', 'COMMAND-olb9vb0oca', 'already', 'the user is not locked'),
  row('DeactivateUser', 'COMMAND-gvx4kct9r2', 'replan', 'the user was never activated: such a user is locked instead'),
  row('LockUser', 'COMMAND-lgws8wtsqf', 'replan', 'the user is in a state that cannot be locked'),

  // metadata
  row('DeleteUserMetadata', 'META-2nnds', 'already', 'the metadata key is not there', { keys: 'one' }),
  row('DeleteUserMetadata', 'META-2nnds', 'replan', 'one of the metadata keys is not there, and none was deleted', { keys: 'several' }),
  row('*', 'META-9mm2d', 'replan', 'the list of metadata was empty'),

  // missing users
  row('GetUserByID', 'QUERY-Dfbg2', 'gone', 'the user does not exist'),
  row('UpdateUser', 'COMMAND-ugjs0upun6', 'gone', 'the user does not exist, or is not a human'),
  row('UpdateHumanUser', 'COMMAND-ugjs0upun6', 'gone', 'the user does not exist, or is not a human'),
  row('DeactivateUser', 'COMMAND-5gp2p62iin', 'gone', 'the user does not exist'),
  row('ReactivateUser', 'COMMAND-9hy5kzbuk6', 'gone', 'the user does not exist'),
  row('LockUser', 'COMMAND-450yxuqrh1', 'gone', 'the user does not exist'),
  row('UnlockUser', 'COMMAND-x377t913pw', 'gone', 'the user does not exist'),
  row('DeleteUser', 'COMMAND-bd4ir1mblj', 'gone', 'the user does not exist'),
  row('SetUserMetadata', 'COMMAND-uXHNj', 'gone', 'the user does not exist'),
  row('DeleteUserMetadata', 'COMMAND-uXHNj', 'gone', 'the user does not exist'),

  // rights: these texts are for the operator; a client that changes a group does not see them
  row('CreateAdministrator', 'ORG-poWwe', 'replan', 'the user has roles in the organization already'),
  row('CreateAdministrator', 'V3-DKcYh', 'replan', 'the user has roles in the organization already'),
  row('UpdateAdministrator', 'Org-D8JxR', 'replan', 'the user has no roles in the organization'),
  row('CreateAdministrator', 'ORG-GoXOn', 'gone', 'the user does not exist'),
  row('CreateAdministrator', 'Org-4N8es', 'refused', 'An organization role that a rule gives does not exist in this ZITADEL: correct orgRoles of the rule.', invalid),
  row('UpdateAdministrator', 'IAM-m9fG8', 'refused', 'An organization role that a rule gives does not exist in this ZITADEL: correct orgRoles of the rule.', invalid),
  row('CreateAdministrator', 'ORG-4Mlfs', 'replan', 'no roles were named'),
  row('UpdateAdministrator', 'Org-LiaZi', 'replan', 'no roles were named'),
  row('*', 'COMMAND-QXPGs', 'refused', 'The organization does not exist in ZITADEL: check ZITADEL_ORG_ID.', invalid),
  row('CreateAuthorization', 'V3-DKcYh', 'replan', 'the user has an authorization for the project already'),
  row('UpdateAuthorization', 'COMMAND-3M9sd', 'replan', 'the authorization does not exist'),
  row('CreateAuthorization', 'COMMAND-4f8sg', 'gone', 'the user does not exist'),
  row('CreateAuthorization', 'COMMAND-4m9ff', 'refused', 'The project that a rule names does not exist, or is not granted to the organization: correct project of the rule.', invalid),
  row('*', 'COMMAND-mm9F4', 'refused', 'A role that a rule gives does not exist in the project: correct roles of the rule, add the role in ZITADEL, or set createRoles.', invalid),
  row('AddProjectRole', 'V3-DKcYh', 'already', 'the project has the role'),
  row('AddProjectRole', 'COMMAND-EbFMN', 'refused', 'The project that a rule names does not exist: correct project of the rule.', invalid),
  row('AddProjectRole', 'AUTH-AWfge', 'blocked', 'the service user may not add roles to the project: createRoles needs ORG_OWNER, or PROJECT_OWNER of that project'),

  // token, permission, address
  row('*', 'AUTH-7fs1e', 'blocked', 'ZITADEL refused the token: it is wrong, expired, or its user is deactivated. Give the bridge a new one'),
  row('*', 'AUTH-toLo1', 'blocked', 'ZITADEL did not understand the authorization header: check the token'),
  row('*', 'AUTH-Bs7Ds', 'blocked', 'ZITADEL does not know the organization: check ZITADEL_ORG_ID'),
  row('*', 'AUTH-AWfge', 'blocked', NO_RIGHTS),
  row('*', 'AUTH-5mWD2', 'blocked', NO_RIGHTS),
  row('*', 'AUTHZ-cdgFk', 'blocked', NOT_MEMBER),
  row('*', 'AUTH-*', 'blocked', 'ZITADEL refused the service user: {says}'),
  row('*', 'AUTHZ-*', 'blocked', 'ZITADEL refused the service user: {says}'),
  row('*', 'NOT_FOUND', 'blocked', 'ZITADEL does not know this host name: ZITADEL_URL must be its external domain', { says: 'unable to set instance' }),

  // not now
  row('*', 'UNKNOWN', 'retry', 'parallel writes on one user, or on the members of one organization: ZITADEL wrote nothing', { says: 'events2_pkey', definite: true }),
  row('*', 'RESOURCE_EXHAUSTED', 'retry', 'ZITADEL asks for fewer calls: {says}', { definite: true }),
  row('*', 'UNAVAILABLE', 'retry', 'ZITADEL asks for fewer calls: {says}', { says: 'HTTP 429', definite: true }),
  row('*', 'QUERY-4M0fs', 'retry', 'ZITADEL allows smaller pages only: SystemDefaults.MaxQueryLimit must be at least 1000', { definite: true }),

  // by code alone
  ...(['CreateAdministrator', 'UpdateAdministrator', 'CreateAuthorization', 'UpdateAuthorization'] as const).map((call) =>
    row(call, 'INVALID_ARGUMENT', 'refused', 'ZITADEL refused the roles. Its words: {says}. Correct the group rule in bridge.yaml.', invalid),
  ),
  row('*', 'INVALID_ARGUMENT', 'refused', CHECK, invalid),
  row('*', 'OUT_OF_RANGE', 'refused', CHECK, invalid),
  row('*', 'ALREADY_EXISTS', 'refused', 'ZITADEL refused the request because the value exists already. Its words: {says}.', taken),
  row('*', 'FAILED_PRECONDITION', 'refused', CHECK, { ...invalid, withId: true }),
  row('*', 'UNAUTHENTICATED', 'blocked', 'ZITADEL refused the token: {says}'),
  row('*', 'PERMISSION_DENIED', 'blocked', 'ZITADEL refused the service user: {says}'),
];

/** Codes and ids that the table does not list: unknown, so retried. */
export const UNLISTED: ErrorRow = row('*', '*', 'retry', 'ZITADEL answered {code}: {says}');

const BY_KEY = Map.groupBy(ERRORS, (each) => each.on);

/** The row for an answer: by id, by the family of the id, then by code; within each the most specific row. */
export function meaning(answer: Answer): ErrorRow {
  const { id, code } = answer;
  const keys = id === null || id === '' ? [code] : [id, `${id.split('-', 1)[0]}-*`, code];
  for (const key of keys) {
    const fitting = BY_KEY.get(key)?.filter((each) => fits(each, answer)) ?? [];
    const [best] = fitting.toSorted((a, b) => special(b) - special(a));
    if (best !== undefined) return best;
  }
  return UNLISTED;
}

function fits({ call, says, keys, withId }: ErrorRow, answer: Answer): boolean {
  if (call !== '*' && call !== answer.call) return false;
  if (says !== undefined && !answer.message.includes(says)) return false;
  if (withId === true && (answer.id === null || answer.id === '')) return false;
  return keys === undefined || (keys === 'one') === (answer.keys ?? 1) <= 1;
}

/** A row that distinguishes messages is more specific than one for a single call. */
const special = (each: ErrorRow): number => (each.says === undefined ? 0 : 2) + (each.call === '*' ? 0 : 1);

/** The detail of a row with ZITADEL's own text filled in. */
export function explain(each: ErrorRow, answer: Answer): string {
  return each.detail
    .replace('{says}', () => answer.message.replace(/ \((?:\w+-\w+)?\)$/, ''))
    .replace('{code}', () => answer.id || answer.code);
}
