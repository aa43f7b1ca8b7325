/** Lists of users, based on listRows. */
import { type Resource, resolvePath } from '../../mapping/attribute-path.ts';
import { schemasOf, USER } from '../../mapping/schema.ts';
import type { FilterNode } from '../../mapping/filter.ts';
import { fromFacts } from '../../mapping/users.ts';
import { BridgeError } from '../../errors.ts';
import type { Row } from '../row/types.ts';
import { etagOf, groupsIn, type NameOf, resourceOf, shownFacts } from '../row/views.ts';
import type { RowList } from './list.ts';
import { findUsers, readUser, type UserView } from './read-users.ts';
import type { ListQuery, UserResource } from './use-cases.ts';

const INDEX_OF = { userName: 'userName', externalId: 'externalId', 'emails.value': 'email' } as const;

export function userList(view: UserView, nameOf: NameOf): RowList<UserResource, 'id' | keyof typeof INDEX_OF> {
  return {
    shelf: view.requests.tenant,
    schema: USER,
    indexes: ['id', 'userName', 'externalId', 'emails.value'],
    isScan: () => false,
    find: (path, value) => (path === 'id' ? byId(view, value) : findUsers(view, INDEX_OF[path], value)),
    filterOf: withTrimmedNames,
    document: (row, { location }) => document(row, location, nameOf),
    show(row) {
      const facts = shownFacts(row);
      return facts === null ? undefined : resourceOf(row, facts, nameOf);
    },
  };
}

async function byId(view: UserView, id: string): Promise<readonly Row[]> {
  try {
    return [await readUser(view, id)];
  } catch (error) {
    if (error instanceof BridgeError && error.status === 404) return [];
    throw error;
  }
}

/** ZITADEL trims userNames: surrounding blanks do not distinguish users. */
function withTrimmedNames(filter: FilterNode): FilterNode {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { ...filter, nodes: filter.nodes.map(withTrimmedNames) };
    case 'not':
      return { ...filter, node: withTrimmedNames(filter.node) };
    case 'compare': {
      const { path, value } = filter;
      const isName = typeof value === 'string' && resolvePath(path, USER)?.attribute.name === 'userName';
      return isName ? { ...filter, value: value.trim() } : filter;
    }
    default:
      return filter;
  }
}

/** The resource for filters and sorting; undefined: not shown. Expensive parts are computed on demand. */
function document(row: Row, location: ListQuery['location'], nameOf: NameOf): Resource | undefined {
  const facts = shownFacts(row);
  if (facts === null) return undefined;
  const user = fromFacts(facts);
  return {
    ...user,
    schemas: schemasOf(user),
    userName: String(user['userName']).trim(),
    id: row.id,
    get groups() {
      return groupsIn(facts, nameOf).map(({ id, displayName }) => ({
        value: id,
        display: displayName,
        type: 'direct',
      }));
    },
    meta: {
      resourceType: 'User',
      get created() {
        return new Date(row.created).toISOString();
      },
      get lastModified() {
        return new Date(row.modified).toISOString();
      },
      get version() {
        return etagOf(user);
      },
      get location() {
        return location?.(row.id);
      },
    },
  };
}
