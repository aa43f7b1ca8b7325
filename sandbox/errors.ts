import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';

/** Every refusal with an ErrorDetail: our name -> code, ErrorDetail.id, ErrorDetail.message, as recorded in test/zitadel. */
const TABLE = {
  // callers
  notBearer: [Code.Unauthenticated, 'AUTH-toLo1', 'Errors.Token.Invalid'],
  badToken: [Code.Unauthenticated, 'AUTH-7fs1e', 'Errors.Token.Invalid'],
  unknownOrganizationHeader: [Code.PermissionDenied, 'AUTH-Bs7Ds', "Organisation doesn't exist"],
  noMembership: [Code.NotFound, 'AUTHZ-cdgFk', 'membership not found'],
  denied: [Code.PermissionDenied, 'AUTH-AWfge', 'No matching permissions found'],
  deniedAtDoor: [Code.PermissionDenied, 'AUTH-5mWD2', 'No matching permissions found'],
  databaseFailed: [Code.Internal, 'SQL-KyeAx', 'Errors.Internal'],
  // users: create and update
  usernameTaken: [Code.AlreadyExists, 'V3-DKcYh', 'User already exists'],
  userIdTaken: [Code.FailedPrecondition, 'COMMAND-7yiox1isql', 'Errors.User.AlreadyExisting'],
  machineIdTaken: [Code.FailedPrecondition, 'COMMAND-k2una', 'User already exists'],
  usernameBlank: [Code.InvalidArgument, 'V2-zzad3', 'Errors.Invalid.Argument'],
  domainReserved: [Code.InvalidArgument, 'COMMAND-SFd21', 'Domain is already reserved and cannot be used'],
  emailInvalid: [Code.InvalidArgument, 'EMAIL-599BI', 'Email is invalid'],
  emailNotBare: [Code.InvalidArgument, 'EMAIL-599GV', 'Email is invalid'],
  phoneInvalid: [Code.InvalidArgument, 'PHONE-so0wa', 'Phone is invalid'],
  givenNameBlank: [Code.InvalidArgument, 'USER-UCej2', 'First name in profile is empty'],
  familyNameBlank: [Code.InvalidArgument, 'USER-4hB7d', 'Last name in profile is empty'],
  hashUnknown: [Code.InvalidArgument, 'USER-JDk4t', 'Errors.User.Password.NotSupported'],
  hashNotSupported: [Code.InvalidArgument, 'CRYPT-r8Qm2', 'Errors.User.Password.NotSupported'],
  phoneRemovalVerified: [Code.InvalidArgument, 'USERv2-4f3d6', 'Verifying phone removal is not supported'],
  userTypeMissing: [Code.Unimplemented, '', 'user type is not implemented'],
  // users: existence, by call
  getUnknown: [Code.NotFound, 'QUERY-Dfbg2', 'User could not be found'],
  updateUnknown: [Code.NotFound, 'COMMAND-ugjs0upun6', 'User could not be found'],
  deactivateUnknown: [Code.NotFound, 'COMMAND-5gp2p62iin', 'User could not be found'],
  reactivateUnknown: [Code.NotFound, 'COMMAND-9hy5kzbuk6', 'User could not be found'],
  lockUnknown: [Code.NotFound, 'COMMAND-450yxuqrh1', 'User could not be found'],
  unlockUnknown: [Code.NotFound, 'COMMAND-x377t913pw', 'User could not be found'],
  deleteUnknown: [Code.NotFound, 'COMMAND-bd4ir1mblj', 'User could not be found'],
  metadataUserUnknown: [Code.FailedPrecondition, 'COMMAND-uXHNj', 'User could not be found'],
  // users: state
  alreadyInactive: [Code.FailedPrecondition, 'COMMAND-5gunjw0cd7', 'User already inactive'],
  initialNotDeactivated: [
    Code.FailedPrecondition,
    'COMMAND-gvx4kct9r2',
    'User with state initial can only be deleted not deactivated',
  ],
  notInactive: [Code.FailedPrecondition, 'COMMAND-s5qqcz97hf', 'User is not inactive'],
  notLockable: [Code.FailedPrecondition, 'COMMAND-lgws8wtsqf', 'User could not be locked'],
  notLocked: [Code.FailedPrecondition, 'COMMAND-olb9vb0oca', 'User is not locked'],
  // metadata
  metadataEmpty: [Code.FailedPrecondition, 'META-9mm2d', 'Metadata list is empty'],
  metadataKeyMissing: [Code.NotFound, 'META-2nnds', 'One or more keys do not exist'],
  limitExceeded: [Code.InvalidArgument, 'QUERY-4M0fs', 'Limit exceeded'],
  nestedTooDeep: [Code.InvalidArgument, 'USER-zsQ97', 'Errors.Query.TooManyNestingLevels'],
  // invites and IdP links
  inviteUnknown: [Code.FailedPrecondition, 'COMMAND-Wgvn4', 'User could not be found'],
  inviteInitialised: [Code.FailedPrecondition, 'COMMAND-EF34g', 'User is already initialized'],
  inviteAgain: [Code.FailedPrecondition, 'COMMAND-Wr3gq', 'Code not found'],
  idpUnknown: [Code.FailedPrecondition, 'COMMAND-39nf2', "Identity Provider Configuration doesn't exist"],
  idpLinkTaken: [Code.AlreadyExists, 'V3-DKcYh', 'External IDP already taken'],
  idpLinkUserUnknown: [Code.FailedPrecondition, 'COMMAND-vzktar7b7f', 'User could not be found'],
  idpLinkMissing: [Code.NotFound, 'COMMAND-1M9xR', 'External IDP not found'],
  // passwords: COMMA- on create, DOMAIN- on update
  createPasswordShort: [Code.InvalidArgument, 'COMMA-HuJf6', 'Password is too short'],
  createPasswordLower: [Code.InvalidArgument, 'COMMA-co3Xw', 'Password must contain lower letter'],
  createPasswordUpper: [Code.InvalidArgument, 'COMMA-VoaRj', 'Password must contain upper letter'],
  createPasswordNumber: [Code.InvalidArgument, 'COMMA-ZBv4H', 'Password must contain number'],
  createPasswordSymbol: [Code.InvalidArgument, 'COMMA-ZDLwA', 'Password must contain symbol'],
  updatePasswordShort: [Code.InvalidArgument, 'DOMAIN-HuJf6', 'Password is too short'],
  updatePasswordLower: [Code.InvalidArgument, 'DOMAIN-co3Xw', 'Password must contain lower letter'],
  updatePasswordUpper: [Code.InvalidArgument, 'DOMAIN-VoaRj', 'Password must contain upper letter'],
  updatePasswordNumber: [Code.InvalidArgument, 'DOMAIN-ZBv4H', 'Password must contain number'],
  updatePasswordSymbol: [Code.InvalidArgument, 'DOMAIN-ZDLwA', 'Password must contain symbol'],
  // sessions
  sessionUserUnknown: [Code.NotFound, 'QUERY-Dfbg2', 'User could not be found'],
  sessionPasswordWrong: [Code.InvalidArgument, 'COMMAND-3M0fs', 'Password is invalid'],
  // administrators
  organizationUnknown: [Code.FailedPrecondition, 'COMMAND-QXPGs', 'Organisation not found'],
  memberExists: [Code.AlreadyExists, 'ORG-poWwe', 'Errors.Org.Member.AlreadyExists'],
  memberRace: [Code.AlreadyExists, 'V3-DKcYh', 'Errors.Member.AlreadyExists'],
  memberUserUnknown: [Code.FailedPrecondition, 'ORG-GoXOn', 'User could not be found'],
  memberRoleBad: [Code.InvalidArgument, 'Org-4N8es', 'Errors.Org.MemberInvalid'],
  memberRolesNone: [Code.InvalidArgument, 'ORG-4Mlfs', 'Errors.Invalid.Argument'],
  memberMissing: [Code.NotFound, 'Org-D8JxR', 'Errors.NotFound'],
  memberUpdateRoleBad: [Code.InvalidArgument, 'IAM-m9fG8', 'Errors.Org.MemberInvalid'],
  memberUpdateRolesNone: [Code.InvalidArgument, 'Org-LiaZi', 'Errors.Org.MemberInvalid'],
  // authorizations
  grantExists: [Code.AlreadyExists, 'V3-DKcYh', 'User grant already exists'],
  grantRoleMissing: [Code.FailedPrecondition, 'COMMAND-mm9F4', 'Errors.Project.Role.NotFound'],
  grantProjectMissing: [Code.FailedPrecondition, 'COMMAND-4m9ff', 'Grant not found'],
  grantUserUnknown: [Code.FailedPrecondition, 'COMMAND-4f8sg', 'User could not be found'],
  grantDeactivateMissing: [Code.NotFound, 'COMMAND-Lp0gs', 'User grant not found'],
  grantMissing: [Code.NotFound, 'COMMAND-3M9sd', 'User grant not found'],
  // organizations and projects
  organizationNameTaken: [Code.AlreadyExists, 'V3-DKcYh', 'Organisation already exists'],
  projectUnknown: [Code.FailedPrecondition, 'COMMAND-EbFMN', 'Project not found'],
  projectRoleExists: [Code.AlreadyExists, 'V3-DKcYh', 'Role already exists'],
} as const satisfies Record<string, readonly [Code, string, string]>;

export type Refusal = keyof typeof TABLE;

/** The ZITADEL error for a named refusal: message "text (id)" and one zitadel.v1.ErrorDetail. */
export function refusal(name: Refusal): ConnectError {
  const [code, id, message] = TABLE[name];
  return new ConnectError(`${message} (${id})`, code, undefined, [{ desc: ErrorDetailSchema, value: { id, message } }]);
}

/** An error without ErrorDetail: request validation, missing header, unknown host, UNKNOWN. */
export function bare(code: Code, message: string): ConnectError {
  return new ConnectError(message, code);
}

/** Text of a server failure that ZITADEL hands out as UNKNOWN with HTTP 500 and, but for newer versions, no ErrorDetail. */
export function unknown(reason: string, version: Version = 'A'): ConnectError {
  const message = `rpc error: code = Unknown desc = ${reason}`;
  if (version === 'A') return bare(Code.Unknown, message);
  // the detail is there, and says nothing
  return new ConnectError(message, Code.Unknown, undefined, [{ desc: ErrorDetailSchema, value: { id: '', message } }]);
}

/**
 * Which ZITADEL the sandbox answers as, of three that were measured: A = main of 2025-10, B = main of 2026-07 (the v5 line), C = branch v4.x
 * of 2026-07.
 */
export type Version = 'A' | 'B' | 'C';

/** What parallel writes on one aggregate fail with; nothing is written then. */
export function integrityViolation(version: Version = 'A'): ConnectError {
  const pkey = 'duplicate key value violates unique constraint "events2_pkey" (SQLSTATE 23505)';
  if (version === 'C') return unknown(`ERROR: ${pkey} ()`, version);
  return unknown(
    `integrity violation of type "unique" on "events2" (constraint: "events2_pkey"): ERROR: ${pkey}`,
    version,
  );
}

/** The answer when a deadline ends on the server: never DEADLINE_EXCEEDED, and mostly untrue. */
export function deadlinePassed(random: () => number): ConnectError {
  const chance = random();
  if (chance < 0.4) return bare(Code.NotFound, instanceMissing('localhost', 'localhost'));
  if (chance < 0.7) return refusal('unknownOrganizationHeader');
  return chance < 0.85 ? refusal('databaseFailed') : unknown('context deadline exceeded');
}

/** Text for a host that belongs to no instance. */
export function instanceMissing(host: string, domain: string, asked = host): string {
  const docs = 'https://zitadel.com/docs/apis/introduction#domains';
  return (
    `unable to set instance using origin &{${host}  http} (ExternalDomain is ${domain}): ` +
    `ID=QUERY-1kIjX Message=Instance not found. Make sure you got the domain right. Check out ${docs} ` +
    `Parent=(unable to get instance by host: instanceHost ${asked}, publicHost : ID=QUERY-1kIjX Message=Errors.IAM.NotFound)`
  );
}

/** ErrorDetail.id of an error, else the name of its code: how the operator's log names an outcome. */
export function outcomeOf(reason: unknown): string {
  const error = ConnectError.from(reason);
  const id = error.details.map((detail) => ('value' in detail ? (detail.value as { id?: string }).id : undefined))[0];
  return id || (Code[error.code] ?? 'Unknown').replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
