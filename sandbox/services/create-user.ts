import type { MessageInitShape } from '@bufbuild/protobuf';
import { Gender } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import type {
  CreateUserRequest,
  CreateUserRequest_Human,
  CreateUserResponseSchema,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { Human, User } from '../entities.ts';
import { integrityViolation, refusal, type Version } from '../errors.ts';
import type { Lane } from '../lanes.ts';
import { passwordOf } from '../passwords.ts';
import * as values from '../values.ts';
import type { World } from '../world.ts';
import { checkLinks } from './idp-links.ts';

type Answer = MessageInitShape<typeof CreateUserResponseSchema>;

/** One-time codes are never mailed; this is what return_code gives. */
export const CODE = 'SANDBOX';

/** CreateUser: content first, then the id, then permission, then the names that must be free. */
export function createUser(world: World, request: CreateUserRequest, caller: Caller, lane: Lane): Answer {
  return request.userType.case === 'human'
    ? createHuman(world, request, request.userType.value, caller, lane)
    : createMachine(world, request, caller);
}

function createHuman(
  world: World,
  request: CreateUserRequest,
  human: CreateUserRequest_Human,
  caller: Caller,
  lane: Lane,
): Answer {
  const { state } = world;
  const { organizationId: organization } = request;
  const facts = humanOf(human, world.version);
  const username = values.username(request.username ?? facts.email);
  const stamp = world.stamp();
  const password = passwordOf(
    human.passwordType,
    state.organizations.get(caller.context),
    'create',
    stamp,
    world.version,
  );
  const id = request.userId ?? world.id();
  const taken = state.users.get(id);
  if (taken) return race(world, taken, organization, username, lane, stamp);
  if (world.version !== 'A' && !state.organizations.has(organization)) throw refusal('organizationUnknown');
  world.permissions.demand(caller.user, organization, 'user.write');
  refuseForeignDomain(world, organization, username);
  const links = checkLinks(world, human.idpLinks);
  if (state.usernames.holder(organization, username) !== undefined) throw refusal('usernameTaken');

  const sequence = world.events(id, 1 + Number(facts.emailVerified) + Number(facts.phoneVerified));
  const user: User = {
    id,
    organization,
    state: 'active',
    username,
    sequence,
    created: stamp,
    changed: stamp,
    human: facts,
    ...(password ? { password } : {}),
  };
  state.users.set(id, user);
  state.usernames.take(user);
  if (links.length > 0) state.links.set(id, links);
  for (const { key, value } of human.metadata) {
    state.metadata.put(id, key, { value: Buffer.from(value).toString('base64'), created: stamp, changed: stamp });
  }
  if (human.metadata.length + links.length > 0) world.events(id, human.metadata.length + links.length);
  lane.mark('created');
  return {
    id,
    creationDate: timestamp(stamp),
    ...(human.email?.verification.case === 'returnCode' ? { emailCode: CODE } : {}),
    ...(human.phone?.verification.case === 'returnCode' ? { phoneCode: CODE } : {}),
  };
}

function humanOf(human: CreateUserRequest_Human, version: Version): Human {
  const { profile, email, phone } = human;
  const { givenName, familyName } = values.names(profile?.givenName ?? '', profile?.familyName ?? '');
  const number = values.phone(phone?.phone ?? '');
  return {
    givenName,
    familyName,
    nickName: profile?.nickName ?? '',
    displayName: profile?.displayName || `${givenName} ${familyName}`,
    language: values.language(profile?.preferredLanguage),
    gender: profile?.gender ?? Gender.UNSPECIFIED,
    email: values.email(email?.email ?? '', version),
    emailVerified: email?.verification.case === 'isVerified' && email.verification.value,
    phone: number,
    phoneVerified: number !== '' && phone?.verification.case === 'isVerified' && phone.verification.value,
  };
}

/**
 * The id is taken. By an earlier create: always the same refusal. By one at the same moment: with the same username
 * one wins, with another both may be told OK (15 of 20), one user remains and the other username stays taken.
 */
function race(world: World, taken: User, organization: string, username: string, lane: Lane, stamp: number): Answer {
  if (!lane.raced('created')) throw refusal('userIdTaken');
  const { usernames } = world.state;
  if (usernames.holder(organization, username) !== undefined) throw refusal('usernameTaken');
  const chance = world.random();
  if (chance >= 0.95) throw integrityViolation(world.version);
  if (chance >= 0.75) throw refusal('userIdTaken');
  usernames.leak(organization, username);
  return { id: taken.id, creationDate: timestamp(stamp) };
}

/** A username that looks like an address under a domain another organization has verified. */
export function refuseForeignDomain({ state }: World, organization: string, username: string): void {
  const domain = username.split('@')[1]?.toLowerCase();
  if (!domain || state.organizations.get(organization)?.loginNameIncludesDomain) return;
  for (const other of state.organizations.values()) {
    if (other.id !== organization && other.domains.includes(domain)) throw refusal('domainReserved');
  }
}

function createMachine(world: World, request: CreateUserRequest, caller: Caller): Answer {
  const { state } = world;
  const { organizationId: organization } = request;
  const id = request.userId ?? world.id();
  const username = values.username(request.username ?? id);
  if (state.users.has(id)) throw refusal('machineIdTaken');
  world.permissions.demand(caller.user, organization, 'user.write');
  if (state.usernames.holder(organization, username) !== undefined) throw refusal('usernameTaken');
  const machine = request.userType.case === 'machine' ? request.userType.value : undefined;
  const stamp = world.stamp();
  const user: User = {
    id,
    organization,
    state: 'active',
    username,
    sequence: world.events(id),
    created: stamp,
    changed: stamp,
    machine: { name: machine?.name ?? '', description: machine?.description ?? '' },
  };
  state.users.set(id, user);
  state.usernames.take(user);
  return { id, creationDate: timestamp(stamp) };
}
