import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { DetailsSchema } from '@zitadel/proto/zitadel/object/v2/object_pb.js';
import type { SearchQuery } from '@zitadel/proto/zitadel/session/v2/session_pb.js';
import type { CreateSessionRequest, SessionService } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { timestamp } from '../clock.ts';
import type { Session, User } from '../entities.ts';
import { refusal } from '../errors.ts';
import { opensNow } from '../passwords.ts';
import { SEED } from '../seed.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';
import { loginNameOf } from './user-answers.ts';

/** zitadel.session.v2.SessionService: sessions outlive the deactivation of their user. */
export function createSessionService(world: World): Partial<ServiceImpl<typeof SessionService>> {
  const { calls, state, permissions } = world;
  return {
    createSession: calls.write(
      () => ({ lane: `session ${world.id()}` }),
      (request) => {
        const user = checkedUser(world, request);
        const stamp = world.stamp();
        const session: Session = {
          id: world.id(),
          userId: user.id,
          organization: user.organization,
          passwordChecked: request.checks?.password !== undefined,
          sequence: 3,
          created: stamp,
          changed: stamp,
        };
        state.sessions.set(session.id, session);
        return { details: detailsOf(session), sessionId: session.id, sessionToken: `sandbox-session-${session.id}` };
      },
    ),

    listSessions: calls.read(({ query, queries }, caller) => {
      const hits = [...state.sessions.seen().values()]
        .filter((session) => queries.every((one) => matches(session, one)))
        .toSorted((a, b) => (query?.asc ? a.created - b.created : b.created - a.created));
      const page = pageOf(hits, query, { max: world.maxLimit, standard: world.maxLimit > 0 ? 100 : 0 });
      const visible = page.rows.filter(
        ({ userId, organization }) =>
          userId === caller.user.id || permissions.has(caller.user, organization, 'session.read'),
      );
      return {
        details: { totalResult: BigInt(hits.length), timestamp: timestamp(world.stamp()) },
        sessions: visible.map((session) => ({
          id: session.id,
          creationDate: timestamp(session.created),
          changeDate: timestamp(session.changed),
          sequence: BigInt(session.sequence),
          factors: factorsOf(world, session),
        })),
      };
    }),

    /** OK without the session token, a second time, and for an id that never was. */
    deleteSession: calls.write(
      ({ sessionId }) => ({ lane: `session ${sessionId}`, user: state.sessions.get(sessionId)?.userId ?? '' }),
      ({ sessionId, sessionToken }, caller) => {
        const session = state.sessions.get(sessionId);
        if (!session) return { details: {} };
        if (!sessionToken && session.userId !== caller.user.id) {
          permissions.demand(caller.user, session.organization, 'session.delete');
        }
        state.sessions.delete(sessionId);
        return { details: detailsOf({ ...session, sequence: session.sequence + 1, changed: world.stamp() }) };
      },
    ),
  };
}

function checkedUser({ state }: World, { checks }: CreateSessionRequest): User {
  const search = checks?.user?.search;
  const user =
    search?.case === 'userId'
      ? state.users.get(search.value)
      : [...state.users.values()].find(
          (one) => search?.case === 'loginName' && loginNameOf(state, one) === search.value,
        );
  if (!user) throw refusal('sessionUserUnknown');
  const given = checks?.password?.password;
  if (given !== undefined && !opensNow(user.password, given)) throw refusal('sessionPasswordWrong');
  return user;
}

function matches(session: Session, { query }: SearchQuery): boolean {
  switch (query.case) {
    case 'idsQuery':
      return query.value.ids.includes(session.id);
    case 'userIdQuery':
      return session.userId === query.value.id;
    default:
      return true;
  }
}

function detailsOf(session: Session): MessageInitShape<typeof DetailsSchema> {
  return {
    sequence: BigInt(session.sequence),
    changeDate: timestamp(session.changed),
    resourceOwner: SEED.instance,
  };
}

function factorsOf({ state }: World, session: Session) {
  const user = state.users.get(session.userId);
  const verifiedAt = timestamp(session.created);
  return {
    user: {
      id: session.userId,
      loginName: user ? loginNameOf(state, user) : '',
      organizationId: session.organization,
      verifiedAt,
    },
    ...(session.passwordChecked ? { password: { verifiedAt } } : {}),
  };
}
