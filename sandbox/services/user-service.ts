import type { ServiceImpl } from '@connectrpc/connect';
import type { CreateUserRequest, UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { refusal } from '../errors.ts';
import type { Lane } from '../lanes.ts';
import type { Caller } from '../callers.ts';
import type { World } from '../world.ts';
import { createUser } from './create-user.ts';
import { listPersonalAccessTokens } from './personal-access-tokens.ts';
import { addIdpLink, createInviteCode, listIdpLinks, removeIdpLink } from './idp-links.ts';
import { listUsers, looksAt } from './list-users.ts';
import { updateHumanUser, updateUser } from './update-user.ts';
import { detailsOf, userAnswer } from './user-answers.ts';
import { deleteUserMetadata, listUserMetadata, mayRead, setUserMetadata } from './user-metadata.ts';
import { changeState, deleteUser } from './user-states.ts';

interface ById {
  readonly userId: string;
}

/** zitadel.user.v2.UserService, the methods the bridge uses. */
export function createUserService(world: World): Partial<ServiceImpl<typeof UserService>> {
  const { calls } = world;
  const about = ({ userId }: ById) => ({ lane: `user ${userId}`, user: userId });
  const state =
    (name: Parameters<typeof changeState>[1]) =>
    (request: ById, caller: Caller, lane: Lane): ReturnType<typeof changeState> =>
      changeState(world, name, request, caller, lane);
  const hashes = ({ userType }: CreateUserRequest) => ({
    password: userType.case === 'human' && userType.value.passwordType.case === 'password',
  });
  return {
    createUser: calls.write(
      ({ userId }) => (userId ? about({ userId }) : { lane: `user ${world.id()}` }),
      (request, caller, lane) => createUser(world, request, caller, lane),
      hashes,
    ),
    updateUser: calls.write(about, (request, caller) => updateUser(world, request, caller)),
    updateHumanUser: calls.write(about, (request, caller) => updateHumanUser(world, request, caller)),
    deactivateUser: calls.write(about, state('deactivate')),
    reactivateUser: calls.write(about, state('reactivate')),
    lockUser: calls.write(about, state('lock')),
    unlockUser: calls.write(about, state('unlock')),
    deleteUser: calls.write(about, (request, caller, lane) => deleteUser(world, request, caller, lane)),
    setUserMetadata: calls.write(about, (request, caller) => setUserMetadata(world, request, caller)),
    deleteUserMetadata: calls.write(about, (request, caller) => deleteUserMetadata(world, request, caller)),
    addIDPLink: calls.write(about, (request, caller) => addIdpLink(world, request, caller)),
    removeIDPLink: calls.write(about, (request, caller) => removeIdpLink(world, request, caller)),
    createInviteCode: calls.write(about, (request, caller) => createInviteCode(world, request, caller)),
    listUserMetadata: calls.read((request, caller) => listUserMetadata(world, request, caller)),
    listPersonalAccessTokens: calls.read((request, caller) => listPersonalAccessTokens(world, request, caller)),
    listIDPLinks: calls.read((request, caller) => listIdpLinks(world, request, caller)),
    listUsers: calls.read(
      (request, caller) => listUsers(world, request, caller),
      (request) => ({ scanned: looksAt(world, request) }),
    ),
    getUserByID: calls.read(({ userId }, caller) => {
      const user = world.state.users.get(userId);
      if (!user || world.lost.has(userId)) throw refusal('getUnknown');
      if (!mayRead(world, user, caller)) world.permissions.demand(caller.user, user.organization, 'user.read');
      return { details: detailsOf(user, true), user: userAnswer(world.state, user) };
    }),
  };
}
