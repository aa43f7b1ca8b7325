import type { User } from './entities.ts';
import type { State } from './state.ts';

/** A user with all that hangs on it, for those who check what was written: metadata as text, roles, grants, sessions. */
export function showUser(state: State, user: User): object {
  const of = <V extends { readonly userId: string }>(rows: Iterable<V>): V[] =>
    [...rows].filter(({ userId }) => userId === user.id);
  const text = (value: string): string => Buffer.from(value, 'base64').toString();
  return {
    ...user,
    metadata: Object.fromEntries([...state.metadata.of(user.id)].map(([key, { value }]) => [key, text(value)])),
    links: state.links.get(user.id) ?? [],
    members: of(state.members.values()),
    grants: of(state.grants.values()),
    sessions: of(state.sessions.values()),
  };
}

/** All users of an organization as JSON lines, with their metadata; '' for every organization. */
export function showUsers(state: State, organization: string): string {
  return [...state.users.values()]
    .filter((user) => organization === '' || user.organization === organization)
    .map((user) => `${JSON.stringify(showUser(state, user))}\n`)
    .join('');
}
