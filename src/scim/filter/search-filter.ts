/** Filters over several resource types (RFC 7644 §3.4.2.1): what a filter means for one of them. */
import { resolvePath } from '../../mapping/attribute-path.ts';
import { compileFilter, type FilterNode } from '../../mapping/filter.ts';
import type { ResourceSchema } from '../../mapping/schema.ts';

export interface ResourceType {
  readonly name: string;
  readonly schema: ResourceSchema;
}

/**
 * The part of a filter that is undecided for resources of one type; true or false where it is decided for all of them:
 * attributes of other types are absent, `meta.resourceType` is known. Throws 400 invalidFilter if no type can compare.
 */
export function narrowed(filter: FilterNode, type: ResourceType, types: readonly ResourceType[]): FilterNode | boolean {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const decides = filter.kind === 'or';
      const parts = filter.nodes.map((node) => narrowed(node, type, types));
      if (parts.includes(decides)) return decides;
      const open = parts.filter((part) => typeof part !== 'boolean');
      const [only, ...more] = open;
      return only === undefined ? !decides : more.length === 0 ? only : { kind: filter.kind, nodes: open };
    }
    case 'not': {
      const inner = narrowed(filter.node, type, types);
      return typeof inner === 'boolean' ? !inner : { kind: 'not', node: inner };
    }
    default: {
      const knowing = types.filter(({ schema }) => resolvePath(filter.path, schema) !== undefined);
      for (const { schema } of knowing.length > 0 ? knowing : [type]) compileFilter(filter, schema);
      const path = resolvePath(filter.path, type.schema);
      // only `eq null` is true of an absent attribute
      if (!path) return filter.kind === 'compare' && filter.op === 'eq' && filter.value === null;
      if (path.attribute.name !== 'meta' || path.sub?.name !== 'resourceType') return filter;
      return compileFilter(filter, type.schema)({ meta: { resourceType: type.name } });
    }
  }
}
