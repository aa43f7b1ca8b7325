import type { ServiceImpl } from '@connectrpc/connect';
import type { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { UserState } from '@zitadel/proto/zitadel/user_pb.js';
import type { World } from '../world.ts';
import { loginNameOf } from './user-answers.ts';
import { v1Details } from './v1-details.ts';

/** zitadel.auth.v1.AuthService: who am I, what may I. Everyone may ask. */
export function createAuthService(world: World): Partial<ServiceImpl<typeof AuthService>> {
  const { calls, state, permissions } = world;
  return {
    getMyUser: calls.read((_request, { user }) => {
      const loginName = loginNameOf(state, user);
      const { human, machine } = user;
      return {
        user: {
          id: user.id,
          details: v1Details(user, user.organization),
          state: UserState.ACTIVE,
          userName: user.username,
          loginNames: [loginName],
          preferredLoginName: loginName,
          type: human
            ? { case: 'human' as const, value: { email: { email: human.email, isEmailVerified: human.emailVerified } } }
            : {
                case: 'machine' as const,
                value: { name: machine?.name ?? '', description: machine?.description ?? '' },
              },
        },
      };
    }),

    /** In the organization of the header; none in a foreign one. */
    listMyZitadelPermissions: calls.read((_request, { user, context }) => ({
      result: [...(permissions.held(user, context) ?? [])],
    })),
  };
}
