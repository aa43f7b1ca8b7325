import type { Details } from '@zitadel/proto/zitadel/object/v2/object_pb.js';
import type { Caller } from '../callers.ts';
import type { User, UserState } from '../entities.ts';
import { refusal } from '../errors.ts';
import type { Refusal } from '../errors.ts';
import type { Lane } from '../lanes.ts';
import { memberId } from '../state.ts';
import type { World } from '../world.ts';
import { detailsOf } from './user-answers.ts';

interface Answer {
  readonly details: Details;
}

interface Step {
  readonly unknown: Refusal;
  readonly to: UserState;
  readonly refuses: (state: UserState) => Refusal | null;
}

/** Existence and state are looked at before permission. Deactivating forgets a lock. */
const STEPS = {
  deactivate: {
    unknown: 'deactivateUnknown',
    to: 'inactive',
    refuses: (state) =>
      state === 'initial' ? 'initialNotDeactivated' : state === 'inactive' ? 'alreadyInactive' : null,
  },
  reactivate: {
    unknown: 'reactivateUnknown',
    to: 'active',
    refuses: (state) => (state === 'inactive' ? null : 'notInactive'),
  },
  lock: {
    unknown: 'lockUnknown',
    to: 'locked',
    refuses: (state) => (state === 'active' || state === 'initial' ? null : 'notLockable'),
  },
  unlock: {
    unknown: 'unlockUnknown',
    to: 'active',
    refuses: (state) => (state === 'locked' ? null : 'notLocked'),
  },
} as const satisfies Record<string, Step>;

export function changeState(
  world: World,
  name: keyof typeof STEPS,
  { userId }: { readonly userId: string },
  caller: Caller,
  lane: Lane,
): Answer {
  const step: Step = STEPS[name];
  const user = world.state.users.get(userId);
  if (!user) throw refusal(step.unknown);
  const refused = step.refuses(user.state);
  // of 20 at the same moment 17 are told OK though only one did it
  const raced = refused && lane.raced(name) && world.random() < 0.85;
  if (refused && !raced) throw refusal(refused);
  world.permissions.demand(caller.user, user.organization, 'user.write');
  if (raced) return { details: detailsOf(user, false) };
  const changed: User = { ...user, state: step.to, sequence: world.events(userId), changed: world.stamp() };
  world.state.users.set(userId, changed);
  lane.mark(name);
  return { details: detailsOf(changed, false) };
}

/** Takes roles, authorizations, metadata, links and tokens along; sessions stay. The id and the username are free again. */
export function deleteUser(world: World, { userId }: { readonly userId: string }, caller: Caller, lane: Lane): Answer {
  const { state } = world;
  const user = state.users.get(userId);
  if (!user) throw refusal('deleteUnknown');
  world.permissions.demand(caller.user, user.organization, 'user.delete');
  const stamp = world.stamp();
  removeUser(world, user);
  lane.mark('delete');
  return { details: detailsOf({ ...user, sequence: world.events(userId), changed: stamp }, false) };
}

export function removeUser({ state, lost }: World, user: User): void {
  state.usernames.release(user);
  state.metadata.removeAll(user.id);
  state.links.delete(user.id);
  state.members.delete(memberId('', user.id));
  for (const { id } of state.organizations.values()) state.members.delete(memberId(id, user.id));
  for (const grant of state.grants.values()) if (grant.userId === user.id) state.grants.delete(grant.id);
  for (const token of state.tokens.values()) {
    if (token.userId === user.id) state.tokens.set(token.token, { ...token, revoked: true });
  }
  state.users.delete(user.id);
  lost.find(user.id);
}
