/** Lists of groups, based on listRows; members are loaded only for filters on them and if they are shown. */
import { type Resource, resolvePath } from '../../mapping/attribute-path.ts';
import type { FilterNode } from '../../mapping/filter.ts';
import { GROUP, GROUP_URN } from '../../mapping/schema.ts';
import { membershipsOf } from '../../mapping/groups.ts';
import type { Row } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { shownFacts } from '../row/views.ts';
import type { RowList } from '../requests/list.ts';
import { groupsOf } from '../row/kinds.ts';
import type { GroupResource, ListQuery } from '../requests/use-cases.ts';
import { definitionOf } from './definitions.ts';
import type { GroupViews } from './group-views.ts';

type GroupPath = 'id' | 'externalId' | 'displayName' | 'members.value';

export function groupList(tenant: string, store: Store, views: GroupViews): RowList<GroupResource, GroupPath> {
  const shelf = groupsOf(tenant);
  return {
    shelf,
    schema: GROUP,
    indexes: ['id', 'externalId', 'displayName', 'members.value'],
    // a member that is not a user is searched for in all groups
    isScan: (path) => path === 'members.value',
    async find(path, value) {
      if (path === 'id') return byIds(store, shelf, [value]);
      if (path === 'members.value') return byIds(store, shelf, await groupsWith(store, tenant, value));
      return store.find(shelf, path === 'externalId' ? 'externalId' : 'userName', value);
    },
    filterOf: (filter) => filter,
    async document(row, { filter, location }) {
      const group = await views.resource(row, filter !== undefined && isAbout(filter, 'members'));
      return group && document(group, location);
    },
    show: (row, { members = false }) => views.resource(row, members),
  };
}

async function byIds(store: Store, shelf: string, ids: readonly string[]): Promise<readonly Row[]> {
  const rows = await Promise.all(ids.map((id) => store.read({ tenant: shelf, id })));
  return rows.filter((row) => row !== undefined);
}

/** Ids of the groups that a user or a group is a member of. */
async function groupsWith(store: Store, tenant: string, member: string): Promise<readonly string[]> {
  const user = await store.read({ tenant, id: member });
  if (user !== undefined) return membershipsOf(shownFacts(user) ?? {});
  const ids: string[] = [];
  for await (const rows of store.scan(groupsOf(tenant)))
    for (const row of rows) if (definitionOf(row.id, shownFacts(row))?.groups.includes(member)) ids.push(row.id);
  return ids;
}

/** Whether a filter uses an attribute. */
function isAbout(filter: FilterNode, name: string): boolean {
  if ('nodes' in filter) return filter.nodes.some((node) => isAbout(node, name));
  if ('node' in filter) return isAbout(filter.node, name);
  return resolvePath(filter.path, GROUP)?.attribute.name === name;
}

/** The group for filters and sorting. */
function document(
  { id, displayName, externalId, members, etag, created, modified }: GroupResource,
  location: ListQuery['location'],
): Resource {
  return {
    schemas: [GROUP_URN],
    id,
    displayName,
    ...(externalId === undefined ? {} : { externalId }),
    ...(members === undefined
      ? {}
      : { members: members.map(({ id: value, display, type }) => ({ value, display, type })) }),
    meta: {
      resourceType: 'Group',
      created: new Date(created).toISOString(),
      lastModified: new Date(modified).toISOString(),
      version: etag,
      location: location?.(id),
    },
  };
}
