/** Lists of groups: from the rows alone; members are loaded only for filters that are about them and for what is shown. */
import { type Resource, resolvePath } from '../../mapping/attribute-path.ts';
import { compileFilter, type FilterNode, indexable } from '../../mapping/filter.ts';
import { GROUP, GROUP_URN } from '../../mapping/group-attributes.ts';
import { membershipsOf } from '../../mapping/groups.ts';
import { sortResources } from '../../mapping/sort.ts';
import type { Row } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { shownFacts } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import type { GroupQuery, GroupResource, Groups } from '../requests/use-cases.ts';
import { definitionOf } from './definitions.ts';
import type { GroupViews } from './group-views.ts';

export interface GroupListOptions {
  readonly tenant: string;
  readonly store: Store;
  readonly show: GroupViews;
}

export function createGroupList({ tenant, store, show }: GroupListOptions): Groups['list'] {
  const shelf = groupsOf(tenant);

  async function* candidates(filter: FilterNode | undefined): AsyncIterable<readonly Row[]> {
    const hint = filter && indexable(filter, GROUP, ['id', 'externalId', 'displayName', 'members.value']);
    if (hint === undefined) yield* store.scan(shelf);
    else if (hint.path === 'id') yield await byIds([hint.value]);
    else if (hint.path === 'members.value') yield await byIds(await groupsWith(hint.value));
    else yield await store.find(shelf, hint.path === 'externalId' ? 'externalId' : 'userName', hint.value);
  }

  async function byIds(ids: readonly string[]): Promise<readonly Row[]> {
    const rows = await Promise.all(ids.map((id) => store.read({ tenant: shelf, id })));
    return rows.filter((row) => row !== undefined);
  }

  /** Ids of the groups that a user or a group is a member of. */
  async function groupsWith(member: string): Promise<readonly string[]> {
    const user = await store.read({ tenant, id: member });
    if (user !== undefined) return membershipsOf(shownFacts(user) ?? {});
    const ids: string[] = [];
    for await (const rows of store.scan(shelf))
      for (const row of rows) if (definitionOf(row.id, shownFacts(row))?.groups.includes(member)) ids.push(row.id);
    return ids;
  }

  async function shown(rows: readonly Row[], members: boolean): Promise<readonly GroupResource[]> {
    const resources: GroupResource[] = [];
    for (const row of rows) {
      const resource = await show.resource(row, members);
      if (resource !== undefined) resources.push(resource);
    }
    return resources;
  }

  return async (_ctx, query) => {
    const { filter, sortBy, sortOrder, startIndex, count } = query;
    const from = startIndex - 1;
    if (filter === undefined && sortBy === undefined) {
      const { rows, total } = await store.page(shelf, from, count);
      return { total, resources: await shown(rows, query.members) };
    }
    const matches = filter === undefined ? () => true : compileFilter(filter, GROUP);
    const needs = filter !== undefined && isAbout(filter, 'members');
    const hits = new Map<Resource, Row>();
    for await (const rows of candidates(filter)) {
      for (const row of rows) {
        const group = await show.resource(row, needs);
        const resource = group && document(group, query.location);
        if (resource !== undefined && matches(resource)) hits.set(resource, row);
      }
    }
    const found = [...hits.keys()];
    const ordered = sortBy === undefined ? found : sortResources(found, GROUP, { sortBy, sortOrder });
    const page = ordered.slice(from, from + count).flatMap((each) => hits.get(each) ?? []);
    return { total: hits.size, resources: await shown(page, query.members) };
  };
}

/** Whether a filter looks at an attribute. */
function isAbout(filter: FilterNode, name: string): boolean {
  if ('nodes' in filter) return filter.nodes.some((node) => isAbout(node, name));
  if ('node' in filter) return isAbout(filter.node, name);
  return resolvePath(filter.path, GROUP)?.attribute.name === name;
}

/** The group as filters and sorting see it. */
function document(
  { id, displayName, externalId, members, etag, created, modified }: GroupResource,
  location: GroupQuery['location'],
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
