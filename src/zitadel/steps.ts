/** The steps of a plan as ZITADEL calls. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallOptions, Client } from '@connectrpc/connect';
import type {
  CreateUserRequestSchema,
  UpdateUserRequestSchema,
  UserService,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { type FactsChange, isMetadata } from '../mapping/facts.ts';
import type { RightCall, Step, StepCall } from '../mapping/steps.ts';
import { isUnreachable } from '../mapping/users.ts';

export interface Writing {
  readonly organization: string;
  /** whether addresses and numbers are stored as verified */
  readonly emailVerified: boolean;
  readonly phoneVerified: boolean;
}

export type Users = Client<typeof UserService>;

/** A step by UserService. */
export interface UserStep extends Pick<Step, 'set'> {
  readonly call: Exclude<StepCall, RightCall>;
}

/** Sends the one call of a step. */
export function sendStep(
  users: Users,
  id: string,
  step: UserStep,
  writing: Writing,
  options: CallOptions,
): Promise<unknown> {
  const userId = id;
  switch (step.call) {
    case 'CreateUser':
      return users.createUser(creation(id, step.set, writing), options);
    case 'UpdateUser':
      return users.updateUser(update(id, step.set, writing), options);
    case 'UpdateHumanUser':
      return users.updateHumanUser({ userId, profile: clearing(step.set) }, options);
    case 'SetUserMetadata':
      return users.setUserMetadata({ userId, metadata: metadataOf(step.set) }, options);
    case 'DeleteUserMetadata':
      return users.deleteUserMetadata({ userId, keys: Object.keys(step.set) }, options);
    case 'DeactivateUser':
      return users.deactivateUser({ userId }, options);
    case 'ReactivateUser':
      return users.reactivateUser({ userId }, options);
    case 'LockUser':
      return users.lockUser({ userId }, options);
    case 'UnlockUser':
      return users.unlockUser({ userId }, options);
    case 'DeleteUser':
      return users.deleteUser({ userId }, options);
  }
}

function metadataOf(set: FactsChange): { key: string; value: Uint8Array }[] {
  return Object.entries(set).flatMap(([key, value]) =>
    isMetadata(key) && value !== null ? [{ key, value: Buffer.from(value) }] : [],
  );
}

/** One fact as a field, omitted when it is not set. */
function field<K extends string>(name: K, value: string | null | undefined): { [key in K]?: string } {
  return (value === null || value === undefined ? {} : { [name]: value }) as { [key in K]?: string };
}

function creation(
  userId: string,
  set: FactsChange,
  writing: Writing,
): MessageInitShape<typeof CreateUserRequestSchema> {
  const { phone, password } = set;
  // newer servers do not trim
  const email = set['email']?.trim();
  const value = {
    profile: {
      givenName: set['givenName'] ?? '',
      familyName: set['familyName'] ?? '',
      ...field('nickName', set['nickName']),
      ...field('displayName', set['displayName']),
      ...field('preferredLanguage', set['preferredLanguage']),
    },
    // on create no mail goes to an unverified address (measured)
    email: { email: email ?? '', verification: is(writing.emailVerified && !isUnreachable(email ?? '')) },
    ...(phone ? { phone: { phone, verification: writing.phoneVerified ? is(true) : SILENT } } : {}),
    ...(password ? { passwordType: hashed(password) } : {}),
    // the field of this message, not the newer one of the request: older servers silently ignore that one
    metadata: metadataOf(set),
  };
  return {
    organizationId: writing.organization,
    userId,
    ...field('username', set['username']),
    userType: { case: 'human', value },
  };
}

function update(userId: string, set: FactsChange, writing: Writing): MessageInitShape<typeof UpdateUserRequestSchema> {
  const { phone, password } = set;
  // newer servers do not trim
  const email = set['email']?.trim();
  const profile = {
    ...field('givenName', set['givenName']),
    ...field('familyName', set['familyName']),
    ...field('nickName', set['nickName']),
    ...field('displayName', set['displayName']),
    ...field('preferredLanguage', set['preferredLanguage'] === null ? 'und' : set['preferredLanguage']),
  };
  const value = {
    ...(Object.keys(profile).length === 0 ? {} : { profile }),
    ...(email
      ? { email: { email, verification: writing.emailVerified && !isUnreachable(email) ? is(true) : SILENT } }
      : {}),
    ...(phone === undefined ? {} : { phone: newPhone(phone, writing.phoneVerified) }),
    ...(password ? { password: { passwordType: hashed(password) } } : {}),
  };
  // `human` is present even when empty: without it ZITADEL returns UNIMPLEMENTED
  return { userId, ...field('username', set['username']), userType: { case: 'human', value } };
}

/** An empty number without verification removes the phone. */
function newPhone(phone: string | null, verified: boolean) {
  return phone === null ? { phone: '' } : { phone, verification: verified ? is(true) : SILENT };
}

const is = (verified: boolean) => ({ case: 'isVerified', value: verified }) as const;
/** Requests the code in the answer, where it is ignored: nothing is mailed, the address stays unverified. */
const SILENT = { case: 'returnCode', value: {} } as const;
const hashed = (hash: string) => ({ case: 'hashedPassword', value: { hash, changeRequired: false } }) as const;

/** UpdateHumanUser requires both names, clears with "", and leaves absent fields unchanged. */
function clearing(set: FactsChange) {
  const cleared = Object.entries(set).flatMap(([name, value]) => (value === null ? [[name, '']] : []));
  return { givenName: set['givenName'] ?? '', familyName: set['familyName'] ?? '', ...Object.fromEntries(cleared) };
}
