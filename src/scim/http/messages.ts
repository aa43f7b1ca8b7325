/** Messages of the protocol (RFC 7644 §3.1, §8.2): the envelopes of resources. */
import { Messages, Schemas } from 'scimmy';
import { sameUrn } from '../../mapping/attribute-path.ts';
import { GROUP_URN, USER_URN } from '../../mapping/schema.ts';
import type { Json } from './body.ts';
import { renderPage } from './pages.ts';
import { invalidSyntax } from './refusals.ts';
import type { Answer } from './respond.ts';
import { sent } from '../sent.ts';

export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/**
 * A ListResponse (RFC 7644 §3.4.2); `startIndex` is the requested start of the page. Resources are rendered in order,
 * as many as a page has room for.
 */
export async function listAnswer(
  total: number,
  startIndex: number,
  resources: AsyncIterable<Json> | Iterable<Json>,
): Promise<Answer> {
  const { count, pieces } = await renderPage(resources);
  const around = {
    schemas: [Messages.ListResponse.id],
    totalResults: total,
    startIndex,
    itemsPerPage: count,
    Resources: [],
  };
  const head = JSON.stringify(around).slice(0, -END.length);
  return { status: 200, pieces: [Buffer.from(head), ...pieces, Buffer.from(END)] };
}

const END = ']}';

/** Types of resources and messages that a body can be of. */
const TYPES: readonly string[] = [
  USER_URN,
  GROUP_URN,
  PATCH_URN,
  Messages.ListResponse.id,
  Messages.SearchRequest.id,
  Messages.BulkRequest.id,
  Messages.BulkResponse.id,
  Messages.ErrorResponse.id,
  Schemas.ServiceProviderConfig.id,
  Schemas.ResourceType.id,
  'urn:ietf:params:scim:schemas:core:2.0:Schema',
];

/**
 * RFC 7643 §3 and RFC 7644 §3.5.2 require `schemas`. Clients leave it out (authentik), name a draft (OneLogin) or Microsoft's ADSCIM:
 * the URL tells the type. Throws 400 invalidSyntax when another type is named, and not this one.
 */
export function checkSchemas(body: Json, urn: string): void {
  const schemas = sent(body, 'schemas') ?? [];
  const named: readonly unknown[] | undefined =
    typeof schemas === 'string' ? [schemas] : Array.isArray(schemas) ? schemas : undefined;
  if (named === undefined) throw invalidSyntax(`schemas must be a list of URNs and name ${urn}`);
  const names = (type: string): boolean => named.some((each) => typeof each === 'string' && sameUrn(type, each));
  if (!names(urn) && TYPES.some(names)) throw invalidSyntax(`schemas must name ${urn}`);
}
