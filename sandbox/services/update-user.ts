import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SetHumanEmail } from '@zitadel/proto/zitadel/user/v2/email_pb.js';
import type { SetPassword } from '@zitadel/proto/zitadel/user/v2/password_pb.js';
import type { SetHumanPhone } from '@zitadel/proto/zitadel/user/v2/phone_pb.js';
import type {
  UpdateHumanUserRequest,
  UpdateHumanUserResponseSchema,
  UpdateUserRequest,
  UpdateUserResponseSchema,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { Human, Machine, User } from '../entities.ts';
import { refusal, type Version } from '../errors.ts';
import { passwordOf } from '../passwords.ts';
import * as values from '../values.ts';
import type { World } from '../world.ts';
import { CODE, refuseForeignDomain } from './create-user.ts';
import { detailsOf } from './user-answers.ts';

interface Changes {
  readonly username?: string | undefined;
  readonly human?: Partial<Human> | undefined;
  readonly machine?: Partial<Machine> | undefined;
  readonly password?: SetPassword | undefined;
  /** One-time codes asked for: an event even when nothing else changes. */
  readonly codes: number;
}

/** UpdateUser: atomic; a field that is absent stays. */
export function updateUser(
  world: World,
  request: UpdateUserRequest,
  caller: Caller,
): MessageInitShape<typeof UpdateUserResponseSchema> {
  const { userId, username, userType } = request;
  if (userType.case === undefined) throw refusal('userTypeMissing');
  const user = world.state.users.get(userId);
  if (!user?.[userType.case]) throw refusal('updateUnknown');
  if (userType.case === 'machine') {
    const { name, description } = userType.value;
    const machine = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) };
    return { changeDate: timestamp(apply(world, caller, user, { username, machine, codes: 0 }).changed) };
  }
  const { profile, email, phone, password } = userType.value;
  const human: Partial<Human> = {
    ...profileOf(profile ?? {}),
    ...emailOf(email, user, world.version),
    ...phoneOf(phone, user),
  };
  const codes = Number(email?.verification.case === 'returnCode') + Number(phone?.verification.case === 'returnCode');
  const updated = apply(world, caller, user, { username, human, password, codes });
  return {
    changeDate: timestamp(updated.changed),
    ...(email?.verification.case === 'returnCode' ? { emailCode: CODE } : {}),
    ...(phone?.verification.case === 'returnCode' && phone.phone ? { phoneCode: CODE } : {}),
  };
}

/** UpdateHumanUser (deprecated): "" clears nick and display name; it cannot remove a phone. */
export function updateHumanUser(
  world: World,
  request: UpdateHumanUserRequest,
  caller: Caller,
): MessageInitShape<typeof UpdateHumanUserResponseSchema> {
  const { userId, username, profile, email, phone, password } = request;
  const user = world.state.users.get(userId);
  if (!user?.human) throw refusal('updateUnknown');
  const human: Partial<Human> = {
    ...(profile ? { ...profileOf(profile), ...values.names(profile.givenName, profile.familyName) } : {}),
    ...emailOf(email, user, world.version),
    ...(phone?.phone ? phoneOf(phone, user) : {}),
  };
  return { details: detailsOf(apply(world, caller, user, { username, human, password, codes: 0 }), false) };
}

interface Profile {
  givenName?: string;
  familyName?: string;
  nickName?: string;
  displayName?: string;
  preferredLanguage?: string;
  gender?: number;
}

function profileOf({ preferredLanguage, gender, ...names }: Profile): Partial<Human> {
  const given = Object.entries(names).filter(([key, value]) => !key.startsWith('$') && value !== undefined);
  return {
    ...Object.fromEntries(given),
    ...(preferredLanguage === undefined ? {} : { language: values.language(preferredLanguage) }),
    ...(gender === undefined ? {} : { gender }),
  };
}

function emailOf(email: SetHumanEmail | undefined, { human }: User, version: Version): Partial<Human> {
  if (!email) return {};
  const address = values.email(email.email, version);
  if (email.verification.case === 'isVerified' && email.verification.value) {
    return { email: address, emailVerified: true };
  }
  return address === human?.email ? {} : { email: address, emailVerified: false };
}

function phoneOf(phone: SetHumanPhone | undefined, { human }: User): Partial<Human> {
  if (!phone) return {};
  const verified = phone.verification.case === 'isVerified' && phone.verification.value;
  const number = values.phone(phone.phone);
  if (number === '') {
    if (verified) throw refusal('phoneRemovalVerified');
    return { phone: '', phoneVerified: false };
  }
  if (verified) return { phone: number, phoneVerified: true };
  return number === human?.phone ? {} : { phone: number, phoneVerified: false };
}

/** Writes what differs; nothing does: the user as it was, with its old date. */
function apply(world: World, caller: Caller, user: User, changes: Changes): User {
  const { state } = world;
  world.permissions.demand(caller.user, user.organization, 'user.write');
  const username = changes.username === undefined ? user.username : values.username(changes.username);
  const stamp = world.stamp();
  const context = state.organizations.get(caller.context);
  const password =
    changes.password && passwordOf(changes.password.passwordType, context, 'update', stamp, world.version);
  if (username !== user.username) {
    refuseForeignDomain(world, user.organization, username);
    const holder = state.usernames.holder(user.organization, username);
    if (holder !== undefined && holder !== user.id) throw refusal('usernameTaken');
  }
  const human = user.human && { ...user.human, ...changes.human };
  const machine = user.machine && { ...user.machine, ...changes.machine };
  const events =
    changes.codes +
    Number(username !== user.username) +
    Number(password !== undefined) +
    Number(differs(user.human, human)) +
    Number(differs(user.machine, machine));
  if (events === 0) return user;
  const updated: User = {
    ...user,
    username,
    ...(human ? { human } : {}),
    ...(machine ? { machine } : {}),
    ...(password ? { password } : {}),
    sequence: world.events(user.id, events),
    changed: stamp,
  };
  if (username !== user.username) {
    state.usernames.release(user);
    state.usernames.take(updated);
  }
  state.users.set(user.id, updated);
  return updated;
}

function differs(before: object | undefined, after: object | undefined): boolean {
  const old = new Map(Object.entries(before ?? {}));
  return Object.entries(after ?? {}).some(([key, value]) => old.get(key) !== value);
}
