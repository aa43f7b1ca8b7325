/** Groups in a map: what the protocol room is tested on. Same promises as the bridge, none of its work. */
import { randomUUID } from 'node:crypto';
import { BridgeError } from '../../src/errors.ts';
import type {
  GroupEdit,
  GroupMember,
  GroupRef,
  GroupResource,
  Groups,
  MemberOperation,
  Users,
} from '../../src/bridge/requests/use-cases.ts';
import { compileFilter } from '../../src/mapping/filter.ts';
import { GROUP, GROUP_URN } from '../../src/mapping/schema.ts';
import { sortResources } from '../../src/mapping/sort.ts';

export interface FakeGroups extends Groups {
  /** groups that a user or group is a member of */
  of(id: string): readonly GroupRef[];
  /** what the edits were, as they came */
  readonly edits: GroupEdit[];
  /** hashes of the creates */
  readonly hashes: string[];
  /** how many members were ever loaded for an answer */
  loaded: number;
  /** what the next call throws */
  fail: unknown;
}

interface Kept {
  readonly id: string;
  displayName: string;
  externalId: string | undefined;
  readonly members: Set<string>;
  version: number;
  readonly created: number;
  modified: number;
}

const CONTEXT = { tenant: 'acme', who: 'test', txn: 'test' };

export function createFakeGroups(clock: () => number, users: Users): FakeGroups {
  const groups = new Map<string, Kept>();

  const confirmed = (id: string): Kept => {
    const found = groups.get(id);
    if (!found) throw new BridgeError(404, 'there is no such group');
    return found;
  };
  const failing = (): void => {
    const { fail } = fake;
    fake.fail = undefined;
    if (fail !== undefined) throw fail;
  };
  const etagOf = ({ version, members }: Kept): string => `W/"${version}.${members.size}"`;
  const precondition = (group: Kept, ifMatch?: readonly string[]): void => {
    if (ifMatch && !ifMatch.includes('*') && !ifMatch.includes(etagOf(group)))
      throw new BridgeError(412, 'the group was changed meanwhile');
  };

  async function member(id: string): Promise<GroupMember | undefined> {
    const group = groups.get(id);
    if (group) return { id, display: group.displayName, type: 'Group' };
    try {
      const { user } = await users.get(CONTEXT, id);
      return { id, display: typeof user['displayName'] === 'string' ? user['displayName'] : null, type: 'User' };
    } catch {
      return undefined;
    }
  }

  async function membersOf(group: Kept): Promise<readonly GroupMember[]> {
    const members = await Promise.all([...group.members].map(member));
    return members.filter((each) => each !== undefined);
  }

  async function resourceOf(group: Kept, members: boolean): Promise<GroupResource> {
    const { id, displayName, externalId, created, modified } = group;
    if (members) fake.loaded += group.members.size;
    return {
      id,
      displayName,
      ...(externalId !== undefined && { externalId }),
      ...(members && { members: await membersOf(group) }),
      memberCount: group.members.size,
      etag: etagOf(group),
      created,
      modified,
    };
  }

  async function change(group: Kept, operation: MemberOperation): Promise<void> {
    const { members } = group;
    if (operation.kind === 'removeWhere') {
      for (const each of await membersOf(group)) if (operation.match(each)) members.delete(each.id);
      return;
    }
    if (operation.kind === 'replace') {
      const confirmed = await Promise.all(operation.ids.map(member));
      if (members.size > 0 && confirmed.length > 0 && confirmed.every((each) => each === undefined))
        throw new BridgeError(400, 'members.value: none of these is known', { scimType: 'invalidValue' });
      members.clear();
    }
    for (const id of operation.ids) {
      if (operation.kind === 'remove') members.delete(id);
      else if (await member(id)) members.add(id);
    }
  }

  async function document(group: Kept, location: ((id: string) => string) | undefined) {
    const { id, displayName, externalId, created, modified } = group;
    return {
      schemas: [GROUP_URN],
      id,
      displayName,
      ...(externalId !== undefined && { externalId }),
      members: (await membersOf(group)).map(({ id: value, display, type }) => ({ value, display, type })),
      meta: {
        resourceType: 'Group',
        created: new Date(created).toISOString(),
        lastModified: new Date(modified).toISOString(),
        location: location?.(id),
      },
      group,
    };
  }

  const fake: FakeGroups = {
    edits: [],
    hashes: [],
    loaded: 0,
    fail: undefined,
    of: (id) => [...groups.values()].filter(({ members }) => members.has(id)),
    async create(_ctx, { displayName, externalId, members, hash }) {
      failing();
      const group = {
        id: randomUUID(),
        displayName,
        externalId,
        members: new Set<string>(),
        version: 1,
        created: clock(),
        modified: clock(),
      };
      groups.set(group.id, group);
      fake.hashes.push(hash);
      await change(group, { kind: 'add', ids: members });
      return { resource: await resourceOf(group, true), ended: () => undefined };
    },
    async get(_ctx, id, { members } = { members: false }) {
      failing();
      return resourceOf(confirmed(id), members);
    },
    async list(_ctx, { filter, sortBy, sortOrder, startIndex, count, members = false, location }) {
      failing();
      const match = filter ? compileFilter(filter, GROUP) : () => true;
      const documents = await Promise.all([...groups.values()].map((group) => document(group, location)));
      const found = documents.filter(match);
      const sorted = sortBy === undefined ? found : sortResources(found, GROUP, { sortBy, sortOrder });
      const page = sorted.slice(startIndex - 1, startIndex - 1 + count);
      return {
        total: found.length,
        resources: await Promise.all(page.map(({ group }) => resourceOf(group, members))),
      };
    },
    async edit(_ctx, id, edit, { members } = { members: false }) {
      failing();
      const group = confirmed(id);
      precondition(group, edit.ifMatch);
      fake.edits.push(edit);
      const before = [group.displayName, group.externalId, ...group.members].join('\n');
      if (edit.displayName !== undefined) group.displayName = edit.displayName;
      if (edit.externalId !== undefined) group.externalId = edit.externalId ?? undefined;
      for (const operation of edit.members) await change(group, operation);
      if ([group.displayName, group.externalId, ...group.members].join('\n') !== before) {
        group.version += 1;
        group.modified = clock();
      }
      return resourceOf(group, members);
    },
    async remove(_ctx, id, ifMatch) {
      failing();
      precondition(confirmed(id), ifMatch);
      groups.delete(id);
    },
  };
  return fake;
}
