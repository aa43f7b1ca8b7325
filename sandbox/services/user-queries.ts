import { Code } from '@connectrpc/connect';
import type { SearchQuery } from '@zitadel/proto/zitadel/user/v2/query_pb.js';
import type { User } from '../entities.ts';
import { bare, refusal, unknown } from '../errors.ts';
import type { State } from '../state.ts';
import { textMatches } from './text.ts';
import { loginNameOf, userAnswer } from './user-answers.ts';

/** One metadata row of a user; null where the user has none. */
type Row = readonly [key: string, value: string] | null;
/** As SQL: null is neither true nor false. */
type Match = (user: User, row: Row) => boolean | null;

export interface Matcher {
  matches(user: User): boolean;
  /** Joined rows of a hit: what it adds to the total. */
  rowsHit(user: User): number;
}

/** Filters on metadata that the published message lacks (fields 17 and 18). */
type MetadataFilter =
  | { readonly case: 'metadataKeyFilter'; readonly value: { readonly key: string; readonly method: number } }
  | { readonly case: 'metadataValueFilter'; readonly value: { readonly value: Uint8Array; readonly method: number } };

const MAX_DEPTH = 20;
const MAX_IDS = 65_535;

/**
 * All queries together. Each is asked of user joined with metadata row, as ZITADEL does: that is why two pairs in AND
 * find nothing, why NOT means "has some other row", and why totals count rows.
 */
export function matcherOf(queries: readonly SearchQuery[], state: State): Matcher {
  const match = and(queries.map((query) => compile(query, state, 1)));
  const onRows = queries.some(usesMetadata);
  const rowsOf = (user: User): Row[] => {
    const rows = [...state.metadata.of(user.id)].map(([key, { value }]) => [key, value] as const);
    return rows.length > 0 ? rows : [null];
  };
  if (!onRows) {
    return {
      matches: (user) => match(user, null) === true,
      rowsHit: (user) => Math.max(1, state.metadata.of(user.id).size),
    };
  }
  const hits = (user: User): number => rowsOf(user).filter((row) => match(user, row) === true).length;
  return { matches: (user) => hits(user) > 0, rowsHit: hits };
}

function usesMetadata({ query }: SearchQuery): boolean {
  switch (query.case) {
    case 'orQuery':
    case 'andQuery':
      return query.value.queries.some(usesMetadata);
    case 'notQuery':
      return query.value.query ? usesMetadata(query.value.query) : false;
    default:
      return (query.case as string | undefined)?.startsWith('metadata') ?? false;
  }
}

function compile({ query }: SearchQuery, state: State, depth: number): Match {
  if (depth > MAX_DEPTH) throw refusal('nestedTooDeep');
  const text =
    (method: number, wanted: string, of: (user: User) => string | undefined): Match =>
    (user) => {
      const found = of(user);
      return found === undefined ? null : textMatches(method, found, wanted);
    };
  switch (query.case) {
    case 'userNameQuery':
      return text(query.value.method, query.value.userName, ({ username }) => username);
    case 'firstNameQuery':
      return text(query.value.method, query.value.firstName, ({ human }) => human?.givenName);
    case 'lastNameQuery':
      return text(query.value.method, query.value.lastName, ({ human }) => human?.familyName);
    case 'nickNameQuery':
      return text(query.value.method, query.value.nickName, ({ human }) => human?.nickName);
    case 'displayNameQuery':
      return text(query.value.method, query.value.displayName, ({ human }) => human?.displayName);
    case 'emailQuery':
      return text(query.value.method, query.value.emailAddress, ({ human }) => human?.email);
    case 'phoneQuery':
      return text(query.value.method, query.value.number, ({ human }) => human?.phone);
    case 'loginNameQuery':
      return text(query.value.method, query.value.loginName, (user) => loginNameOf(state, user));
    case 'stateQuery': {
      const { state: wanted } = query.value;
      return (user) => userAnswer(state, user).state === wanted;
    }
    case 'typeQuery': {
      const { type } = query.value;
      return ({ human }) => type === 0 || (human ? 1 : 2) === type;
    }
    case 'organizationIdQuery': {
      const { organizationId } = query.value;
      return ({ organization }) => organization === organizationId;
    }
    case 'inUserIdsQuery': {
      const ids = someOf(query.value.userIds);
      return ({ id }) => ids.has(id);
    }
    case 'inUserEmailsQuery': {
      const emails = someOf(query.value.userEmails);
      return ({ human }) => (human ? emails.has(human.email) : null);
    }
    case 'andQuery':
      return and(partsOf(query.value.queries).map((part) => compile(part, state, depth + 1)));
    case 'orQuery':
      return or(partsOf(query.value.queries).map((part) => compile(part, state, depth + 1)));
    case 'notQuery': {
      const inner = query.value.query ? compile(query.value.query, state, depth + 1) : () => null;
      return (user, row) => {
        const found = inner(user, row);
        return found === null ? null : !found;
      };
    }
    default:
      return metadataMatch(query as unknown as MetadataFilter);
  }
}

function metadataMatch(filter: MetadataFilter): Match {
  if (filter.case === 'metadataKeyFilter') {
    const { key, method } = filter.value;
    // CONTAINS and ENDS_WITH of keys are exchanged, as measured
    const used = method >= 6 ? method - 2 : method >= 4 ? method + 2 : method;
    return (_, row) => (row ? textMatches(used, row[0], key) : null);
  }
  const wanted = Buffer.from(filter.value.value).toString('base64');
  const { method } = filter.value;
  return (_, row) => (row ? (row[1] === wanted) === (method === 0) : null);
}

function and(parts: readonly Match[]): Match {
  return (user, row) => {
    let result: boolean | null = true;
    for (const part of parts) {
      const found = part(user, row);
      if (found === false) return false;
      if (found === null) result = null;
    }
    return result;
  };
}

function or(parts: readonly Match[]): Match {
  return (user, row) => {
    let result: boolean | null = false;
    for (const part of parts) {
      const found = part(user, row);
      if (found === true) return true;
      if (found === null) result = null;
    }
    return result;
  };
}

function partsOf(queries: readonly SearchQuery[]): readonly SearchQuery[] {
  if (queries.length === 0) throw unknown('missing column');
  return queries;
}

function someOf(values: readonly string[]): ReadonlySet<string> {
  if (values.length === 0) throw unknown('values array must not be empty');
  if (values.length > MAX_IDS) throw bare(Code.Internal, 'Errors.Query.SQLStatement (QUERY-AG4gs)');
  return new Set(values);
}
