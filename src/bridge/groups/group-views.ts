/** Groups as shown: the definition, the members if requested, and counters as the version. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Facts } from '../../mapping/facts.ts';
import type { Definition } from '../../mapping/groups.ts';
import type { MemberSet, Store } from '../ports/store.ts';
import type { Row } from '../row/types.ts';
import { askedOf, isId, shownFacts } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import type { GroupMember, GroupResource } from '../requests/use-cases.ts';
import { definitionOf, revisionOf } from './definitions.ts';
import type { Directory } from './directory.ts';
import { absent } from './definition-changes.ts';

export interface GroupViews {
  /** The group of a row; undefined if it is not shown. */
  resource(row: Row, members: boolean): Promise<GroupResource | undefined>;
  /** Throws 404. */
  get(id: string, members: boolean): Promise<GroupResource>;
  /** Users and groups that are members, including pending ones that are not acknowledged yet. */
  asked(id: string, definition: Definition): Promise<readonly GroupMember[]>;
  /** The ETag as in `resource`, without loading anything else. */
  etag(row: Row): Promise<string>;
}

/** Number of members read at once. */
const AT_ONCE = 500;

export function createGroupViews(tenant: string, store: Store, directory: Directory): GroupViews {
  async function users(group: string): Promise<readonly GroupMember[]> {
    const found: GroupMember[] = [];
    for (let after: string | undefined; ; ) {
      const page = await store.members(tenant, group, AT_ONCE, after);
      for (const { id, display } of page) found.push({ id, display, type: 'User' });
      if (page.length < AT_ONCE) return found;
      after = page.at(-1)?.id;
      await nextTurn();
    }
  }

  async function members(id: string, { groups }: Definition): Promise<readonly GroupMember[]> {
    const nested = groups.flatMap((group): GroupMember[] => {
      const definition = directory.find(group);
      return definition === undefined ? [] : [{ id: group, display: definition.displayName, type: 'Group' }];
    });
    return [...nested, ...(await users(id))];
  }

  async function resource(row: Row, withMembers: boolean): Promise<GroupResource | undefined> {
    const facts = shownFacts(row);
    const definition = definitionOf(row.id, facts);
    if (facts === null || definition === undefined || definition.deleting) return undefined;
    const set = await store.memberSet(tenant, row.id);
    const { displayName, externalId } = definition;
    return {
      id: row.id,
      displayName,
      ...(externalId === undefined ? {} : { externalId }),
      ...(withMembers ? { members: await members(row.id, definition) } : {}),
      memberCount: set.count + definition.groups.length,
      etag: versionOf(facts, set),
      created: row.created,
      modified: Math.max(row.modified, set.modified),
    };
  }

  return {
    resource,
    asked: async (id, definition) => [...(await members(id, definition)), ...(await users(askedOf(id)))],
    etag: async (row) => versionOf(shownFacts(row) ?? {}, await store.memberSet(tenant, row.id)),
    async get(id, withMembers) {
      const row = isId(id) ? await store.read({ tenant: groupsOf(tenant), id }) : undefined;
      const shown = row === undefined ? undefined : await resource(row, withMembers);
      if (shown === undefined) throw absent();
      return shown;
    },
  };
}

const versionOf = (facts: Facts, { revision }: MemberSet): string => `W/"${revisionOf(facts)}.${revision}"`;
