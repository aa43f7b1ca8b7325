import type {
  Grant,
  Idp,
  IdpLink,
  Member,
  MetadataRow,
  Organization,
  Project,
  Session,
  Token,
  User,
} from './entities.ts';
import type { Store } from './store.ts';
import { createRows, createTable } from './tables.ts';
import type { Rows, Table } from './tables.ts';
import { createUsernames } from './usernames.ts';
import type { Usernames } from './usernames.ts';

/** Everything one sandbox knows. Tables that ZITADEL projects are lagged for lists. */
export interface State {
  readonly organizations: Table<Organization>;
  readonly users: Table<User>;
  readonly usernames: Usernames;
  readonly metadata: Rows<MetadataRow>;
  /** By user id. */
  readonly links: Table<readonly IdpLink[]>;
  /** By memberId. */
  readonly members: Table<Member>;
  readonly grants: Table<Grant>;
  readonly sessions: Table<Session>;
  readonly projects: Table<Project>;
  readonly idps: Table<Idp>;
  readonly tokens: Table<Token>;
  /** Sequence of the last event of an aggregate, also of one that is deleted. */
  readonly sequences: Table<number>;
  commit(): void;
  /** Lists see everything at once. */
  settle(): void;
  close(): void;
}

/** Key of a member entry; organization '' is the instance. */
export function memberId(organization: string, userId: string): string {
  return `${organization}\n${userId}`;
}

/** lag: see createLag; null for lists that never lag. */
export function createState(store: Store, lag: (() => number) | null, now: () => number): State {
  const lagged = <V>(kind: string): Table<V> => createTable<V>(kind, store, lag, now);
  const strong = <V>(kind: string): Table<V> => createTable<V>(kind, store);
  const organizations = strong<Organization>('organization');
  const users = lagged<User>('user');
  const links = lagged<readonly IdpLink[]>('link');
  const members = lagged<Member>('member');
  const grants = lagged<Grant>('grant');
  const sessions = lagged<Session>('session');
  const includesDomain = (id: string): boolean => organizations.get(id)?.loginNameIncludesDomain ?? false;
  return {
    organizations,
    users,
    links,
    members,
    grants,
    sessions,
    usernames: createUsernames(users.values(), strong<string>('leakedName'), includesDomain),
    metadata: createRows<MetadataRow>('metadata', store),
    projects: strong<Project>('project'),
    idps: strong<Idp>('idp'),
    tokens: strong<Token>('token'),
    sequences: strong<number>('sequence'),
    commit: () => store.commit(),
    settle() {
      for (const table of [users, links, members, grants, sessions]) table.settle();
    },
    close: () => store.close(),
  };
}
