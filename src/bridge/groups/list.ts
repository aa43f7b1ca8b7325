/** Lists of groups: from the rows alone; members are loaded only for filters that are about them and for what is shown. */
import { type Resource, resolvePath } from '../../mapping/attribute-path.ts';
import { type FilterNode, indexable } from '../../mapping/filter.ts';
import { GROUP, GROUP_URN } from '../../mapping/schema.ts';
import { membershipsOf } from '../../mapping/groups.ts';
import type { Row } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { shownFacts } from '../row/views.ts';
import type { ScanLine } from '../requests/scan-queue.ts';
import { pageOf, select, type Selection } from '../requests/selection.ts';
import { groupsOf } from '../row/kinds.ts';
import type { Listed, GroupQuery, GroupResource, Groups } from '../requests/use-cases.ts';
import { definitionOf } from './definitions.ts';
import type { GroupViews } from './group-views.ts';

export interface GroupListOptions {
  readonly tenant: string;
  readonly store: Store;
  readonly show: GroupViews;
  /** scans of the tenant */
  readonly scans: ScanLine;
}

export function createGroupList({ tenant, store, show, scans }: GroupListOptions): Groups['list'] {
  const shelf = groupsOf(tenant);

  async function* candidates(filter: FilterNode | undefined): AsyncIterable<readonly Row[]> {
    const hint = filter && hintOf(filter);
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

  async function* shown(rows: AsyncIterable<Row>, members: boolean): AsyncGenerator<GroupResource, void> {
    for await (const row of rows) {
      const resource = await show.resource(row, members);
      if (resource !== undefined) yield resource;
    }
  }

  return async (_ctx, query) => {
    const { filter, sortBy, sortOrder, startIndex, count } = query;
    const from = startIndex - 1;
    const listed = ({ total, rows }: Selection): Listed<GroupResource> => ({
      total,
      resources: shown(rows, query.members),
    });
    if (filter === undefined && sortBy === undefined) return listed(await pageOf(store, shelf, from, count));
    const needs = filter !== undefined && isAbout(filter, 'members');
    const hint = filter && hintOf(filter);
    const search = (): Promise<Selection> =>
      select({
        store,
        shelf,
        schema: GROUP,
        candidates: candidates(filter),
        filter,
        document: async (row) => {
          const group = await show.resource(row, needs);
          return group && document(group, query.location);
        },
        sortBy,
        sortOrder,
        from,
        count,
      });
    // a member that is no user is looked for in all groups
    return listed(await (hint === undefined || hint.path === 'members.value' ? scans.run(search) : search()));
  };
}

const hintOf = (filter: FilterNode) => indexable(filter, GROUP, ['id', 'externalId', 'displayName', 'members.value']);

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
