import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PersonalAccessTokensSearchFilter } from '@zitadel/proto/zitadel/user/v2/pat_pb.js';
import type {
  ListPersonalAccessTokensRequest,
  ListPersonalAccessTokensResponseSchema,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { Token, User } from '../entities.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';

/** What a token without an end shows: 9999-12-31T23:59:59Z. */
const NO_END = Date.UTC(9999, 11, 31, 23, 59, 59) * 1000;

interface Owned {
  readonly token: Token;
  readonly user: User;
}

/** One's own tokens, and those of users one may read; the total counts all. Revoked ones are gone. */
export function listPersonalAccessTokens(
  { state, permissions }: World,
  { pagination, filters }: ListPersonalAccessTokensRequest,
  caller: Caller,
): MessageInitShape<typeof ListPersonalAccessTokensResponseSchema> {
  const hits: Owned[] = [];
  for (const token of state.tokens.values()) {
    const user = state.users.get(token.userId);
    if (token.id === undefined || token.revoked || !user) continue;
    if (filters.every((filter) => matches({ token, user }, filter))) hits.push({ token, user });
  }
  const page = pageOf(hits, pagination, { max: 1000, standard: 100 });
  const visible = page.rows.filter(
    ({ user }) => user.id === caller.user.id || permissions.has(caller.user, user.organization, 'user.read'),
  );
  return {
    pagination: { totalResult: BigInt(hits.length), appliedLimit: BigInt(page.limit) },
    result: visible.map(({ token: { id = '', created = 0, expires = NO_END }, user }) => ({
      id,
      userId: user.id,
      organizationId: user.organization,
      creationDate: timestamp(created),
      changeDate: timestamp(created),
      expirationDate: timestamp(expires),
    })),
  };
}

function matches({ token, user }: Owned, { filter }: PersonalAccessTokensSearchFilter): boolean {
  switch (filter.case) {
    case 'tokenIdFilter':
      return token.id === filter.value.id;
    case 'userIdFilter':
      return user.id === filter.value.id;
    case 'organizationIdFilter':
      return user.organization === filter.value.id;
    default:
      return true;
  }
}
