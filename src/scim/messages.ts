/** Messages of the protocol (RFC 7644 §3.1, §8.2): what stands around resources. */
import type { Json } from './body.ts';
import { renderPage } from './pages.ts';
import { invalidSyntax } from './refusals.ts';
import type { Answer } from './respond.ts';
import { sent } from './sent.ts';

export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/**
 * A ListResponse (RFC 7644 §3.4.2); `startIndex` is where the page was asked to begin. Resources are rendered as they come, as many as
 * a page has room for.
 */
export async function listAnswer(
  total: number,
  startIndex: number,
  resources: AsyncIterable<Json> | Iterable<Json>,
): Promise<Answer> {
  const { count, pieces } = await renderPage(resources);
  const around = { schemas: [LIST_URN], totalResults: total, startIndex, itemsPerPage: count, Resources: [] };
  const head = JSON.stringify(around).slice(0, -END.length);
  return { status: 200, pieces: [Buffer.from(head), ...pieces, Buffer.from(END)] };
}

const END = ']}';

/** `schemas` is required (RFC 7643 §3, RFC 7644 §3.5.2). URNs beside the one it must name are passed over (Microsoft's ADSCIM). */
export function checkSchemas(body: Json, urn: string): void {
  const schemas = sent(body, 'schemas');
  const named =
    Array.isArray(schemas) &&
    schemas.some((each) => typeof each === 'string' && each.toLowerCase() === urn.toLowerCase());
  if (!named) throw invalidSyntax(`schemas must name ${urn}`);
}
