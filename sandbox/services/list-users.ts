import type { MessageInitShape } from '@bufbuild/protobuf';
import { UserFieldName } from '@zitadel/proto/zitadel/user/v2/query_pb.js';
import type { SearchQuery } from '@zitadel/proto/zitadel/user/v2/query_pb.js';
import type { ListUsersRequest, ListUsersResponseSchema } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { User } from '../entities.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';
import { userAnswer } from './user-answers.ts';
import { mayRead } from './user-metadata.ts';
import { matcherOf } from './user-queries.ts';

/**
 * Lags. The instance, not the organization of the header, is searched; rows the caller may not see go after the limit. In
 * version A the total counts metadata rows, and rows that the caller may not see.
 */
export function listUsers(
  world: World,
  { query, sortingColumn, queries }: ListUsersRequest,
  caller: Caller,
): MessageInitShape<typeof ListUsersResponseSchema> {
  const { matches, rowsHit } = matcherOf(queries, world.state);
  const hits = candidates(world, queries).filter((user) => !world.lost.has(user.id) && matches(user));
  const sortKey = keyOf(sortingColumn);
  const direction = query?.asc ? 1 : -1;
  const sorted = hits
    .map((user) => ({ user, key: sortKey(user) }))
    .toSorted((a, b) => direction * (a.key < b.key ? -1 : a.key > b.key ? 1 : a.user.id < b.user.id ? -1 : 1))
    .map(({ user }) => user);
  const page = pageOf(sorted, query, { max: world.maxLimit, standard: world.maxLimit > 0 ? 100 : 0 });
  const seen = world.version === 'A' ? hits : hits.filter((user) => mayRead(world, user, caller));
  const total = page.pastEnd ? 0 : seen.reduce((sum, user) => sum + (world.version === 'A' ? rowsHit(user) : 1), 0);
  return {
    details: { totalResult: BigInt(total), timestamp: timestamp(world.stamp()) },
    result: page.rows.filter((user) => mayRead(world, user, caller)).map((user) => userAnswer(world.state, user)),
  };
}

/** Users a query has to look at: one found by an index, or all of them. */
export function looksAt(world: World, { queries }: ListUsersRequest): number {
  const indexed = queries.some(({ query }) => query.case === 'userNameQuery' || query.case === 'emailQuery');
  return indexed || idsIn(queries) ? 1 : world.state.users.size;
}

function candidates({ state }: World, queries: readonly SearchQuery[]): User[] {
  const seen = state.users.seen();
  const ids = idsIn(queries);
  if (!ids) return [...seen.values()];
  return [...new Set(ids)].map((id) => seen.get(id)).filter((user) => user !== undefined);
}

function idsIn(queries: readonly SearchQuery[]): readonly string[] | undefined {
  for (const { query } of queries) if (query.case === 'inUserIdsQuery') return query.value.userIds;
  return undefined;
}

/** Text of a sorting column; by id when none is given. Names and addresses sort without regard to case. */
function keyOf(column: UserFieldName): (user: User) => string | number {
  switch (column) {
    case UserFieldName.USER_NAME:
      return ({ username }) => username.toLowerCase();
    case UserFieldName.FIRST_NAME:
      return ({ human }) => human?.givenName.toLowerCase() ?? '';
    case UserFieldName.LAST_NAME:
      return ({ human }) => human?.familyName.toLowerCase() ?? '';
    case UserFieldName.NICK_NAME:
      return ({ human }) => human?.nickName.toLowerCase() ?? '';
    case UserFieldName.DISPLAY_NAME:
      return ({ human }) => human?.displayName.toLowerCase() ?? '';
    case UserFieldName.EMAIL:
      return ({ human }) => human?.email.toLowerCase() ?? '';
    case UserFieldName.STATE:
      return ({ state }) => state;
    case UserFieldName.TYPE:
      return ({ human }) => (human ? 0 : 1);
    case UserFieldName.CREATION_DATE:
      return ({ created }) => created;
    default:
      return ({ id }) => id;
  }
}
