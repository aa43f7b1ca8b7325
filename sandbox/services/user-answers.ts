import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { DetailsSchema } from '@zitadel/proto/zitadel/object/v2/object_pb.js';
import type { Details } from '@zitadel/proto/zitadel/object/v2/object_pb.js';
import { UserState } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import type { UserSchema } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import { timestamp } from '../clock.ts';
import type { User } from '../entities.ts';
import type { State } from '../state.ts';

const STATES: Readonly<Record<User['state'], UserState>> = {
  active: UserState.ACTIVE,
  inactive: UserState.INACTIVE,
  locked: UserState.LOCKED,
  initial: UserState.INITIAL,
};

/** Details of a written user: commands leave the creation date out, queries show it. */
export function detailsOf(user: User, created: boolean): Details {
  return create(DetailsSchema, {
    sequence: BigInt(user.sequence),
    changeDate: timestamp(user.changed),
    resourceOwner: user.organization,
    ...(created ? { creationDate: timestamp(user.created) } : {}),
  });
}

export function loginNameOf(state: Pick<State, 'organizations'>, user: User): string {
  const organization = state.organizations.get(user.organization);
  return organization?.loginNameIncludesDomain ? `${user.username}@${organization.domains[0] ?? ''}` : user.username;
}

export function displayNameOf(user: User): string {
  return user.human?.displayName ?? user.machine?.name ?? '';
}

/** A user as GetUserByID and ListUsers show it. */
export function userAnswer(state: Pick<State, 'organizations'>, user: User): MessageInitShape<typeof UserSchema> {
  const loginName = loginNameOf(state, user);
  return {
    userId: user.id,
    details: detailsOf(user, true),
    state: STATES[user.state],
    username: user.username,
    loginNames: [loginName],
    preferredLoginName: loginName,
    type: typeOf(user),
  };
}

function typeOf({ human, machine, password }: User): NonNullable<MessageInitShape<typeof UserSchema>['type']> {
  if (!human) return { case: 'machine', value: { name: machine?.name ?? '', description: machine?.description ?? '' } };
  const { givenName, familyName, nickName, displayName, language, gender } = human;
  return {
    case: 'human',
    value: {
      profile: { givenName, familyName, nickName, displayName, preferredLanguage: language, gender },
      email: { email: human.email, isVerified: human.emailVerified },
      phone: { phone: human.phone, isVerified: human.phoneVerified },
      passwordChangeRequired: password?.changeRequired ?? false,
      ...(password ? { passwordChanged: timestamp(password.changed) } : {}),
    },
  };
}
