import type { User } from './entities.ts';
import type { Table } from './tables.ts';

/**
 * Which user has which username: unique over the instance without regard to case, or over the organization
 * where login names include its domain. A name that leaked in a race of creates is held for good.
 */
export interface Usernames {
  /** Id of the user that holds the name; '' when it leaked. */
  holder(organization: string, username: string): string | undefined;
  take(user: User): void;
  release(user: User): void;
  leak(organization: string, username: string): void;
}

export function createUsernames(
  users: Iterable<User>,
  leaked: Table<string>,
  perOrganization: (organization: string) => boolean,
): Usernames {
  const holders = new Map<string, string>();
  const keyOf = (organization: string, username: string): string =>
    perOrganization(organization) ? `${username.toLowerCase()}\n${organization}` : username.toLowerCase();
  for (const user of users) holders.set(keyOf(user.organization, user.username), user.id);
  for (const key of leaked.values()) holders.set(key, '');
  return {
    holder: (organization, username) => holders.get(keyOf(organization, username)),
    take: (user) => void holders.set(keyOf(user.organization, user.username), user.id),
    release(user) {
      const key = keyOf(user.organization, user.username);
      if (holders.get(key) === user.id) holders.delete(key);
    },
    leak(organization, username) {
      const key = keyOf(organization, username);
      holders.set(key, '');
      leaked.set(key, key);
    },
  };
}
