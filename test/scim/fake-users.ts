/** Users in a map: what the protocol room is tested on. Same promises as the bridge, none of its work. */
import { createHash, randomUUID } from 'node:crypto';
import { BridgeError } from '../../src/errors.ts';
import type { GroupRef, ScimUser, UserResource, Users } from '../../src/bridge/requests/use-cases.ts';
import { USER } from '../../src/mapping/schema.ts';
import { compileFilter } from '../../src/mapping/filter.ts';
import { sortResources } from '../../src/mapping/sort.ts';

export interface FakeUsers extends Users {
  readonly passwords: Map<string, string>;
  /** ids whose create was told to have been delivered */
  readonly delivered: string[];
  readonly touched: string[][];
  /** what the next call throws */
  fail: unknown;
}

export function createFakeUsers(
  clock: () => number = Date.now,
  groupsOf: (id: string) => readonly GroupRef[] = () => [],
): FakeUsers {
  const users = new Map<string, UserResource>();

  const etag = (user: ScimUser): string =>
    `W/"${createHash('sha256').update(JSON.stringify(user)).digest('hex').slice(0, 12)}"`;
  const confirmed = (id: string): UserResource => {
    const found = users.get(id);
    if (!found) throw new BridgeError(404, `there is no user ${id.slice(0, 50)}`);
    return found;
  };
  const nameOf = (user: ScimUser): string => String(user['userName']).toLowerCase();
  const unique = (user: ScimUser, self?: string): void => {
    for (const other of users.values())
      if (other.id !== self && nameOf(other.user) === nameOf(user))
        throw new BridgeError(409, 'userName is taken: choose another one or remove the user that has it', {
          scimType: 'uniqueness',
        });
  };
  const precondition = (resource: UserResource, ifMatch?: readonly string[]): void => {
    if (ifMatch && !ifMatch.includes('*') && !ifMatch.includes(resource.etag))
      throw new BridgeError(412, 'the user was changed meanwhile');
  };
  const failing = (): void => {
    const { fail } = fake;
    fake.fail = undefined;
    if (fail !== undefined) throw fail;
  };

  const fake: FakeUsers = {
    passwords: new Map(),
    delivered: [],
    touched: [],
    fail: undefined,
    async create(_ctx, { user, password }) {
      failing();
      unique(user);
      const shown = { active: true, ...user };
      const resource = { id: randomUUID(), user: shown, etag: etag(shown), created: clock(), modified: clock() };
      users.set(resource.id, resource);
      if (password !== undefined) fake.passwords.set(resource.id, password);
      return { resource, ended: (delivered) => void (delivered && fake.delivered.push(resource.id)) };
    },
    async get(_ctx, id) {
      failing();
      return { ...confirmed(id), groups: groupsOf(id) };
    },
    async list(_ctx, { filter, sortBy, sortOrder, startIndex, count }) {
      failing();
      const match = filter ? compileFilter(filter, USER) : () => true;
      const flat = [...users.values()].map((resource) => ({
        ...resource.user,
        id: resource.id,
        meta: {
          resourceType: 'User',
          created: new Date(resource.created).toISOString(),
          lastModified: new Date(resource.modified).toISOString(),
        },
        resource,
      }));
      const found = flat.filter(match);
      const sorted = sortBy === undefined ? found : sortResources(found, USER, { sortBy, sortOrder });
      return {
        total: found.length,
        resources: sorted.slice(startIndex - 1, startIndex - 1 + count).map(({ resource }) => resource),
      };
    },
    async edit(_ctx, id, { apply, password, ifMatch }) {
      failing();
      const before = confirmed(id);
      precondition(before, ifMatch);
      const { user, touched } = apply(before.user);
      unique(user, id);
      fake.touched.push([...touched]);
      if (password !== undefined) fake.passwords.set(id, password);
      const changed = etag(user) !== before.etag;
      const after = { ...before, user, etag: etag(user), modified: changed ? clock() : before.modified };
      users.set(id, after);
      return after;
    },
    async remove(_ctx, id, ifMatch) {
      failing();
      precondition(confirmed(id), ifMatch);
      users.delete(id);
    },
  };
  return fake;
}
