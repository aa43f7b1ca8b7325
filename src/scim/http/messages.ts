/** Messages of the protocol (RFC 7644 §3.1, §8.2): what stands around resources. */
import type { Json } from './body.ts';
import { invalidSyntax } from './refusals.ts';
import type { Answer } from './respond.ts';
import { sent } from '../sent.ts';

export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const LIST_URN = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** A ListResponse (RFC 7644 §3.4.2); `startIndex` is where the page was asked to begin. */
export function listAnswer(total: number, startIndex: number, resources: readonly Json[]): Answer {
  return {
    status: 200,
    body: {
      schemas: [LIST_URN],
      totalResults: total,
      startIndex,
      itemsPerPage: resources.length,
      Resources: resources,
    },
  };
}

/** `schemas` is required (RFC 7643 §3, RFC 7644 §3.5.2). URNs beside the one it must name are passed over (Microsoft's ADSCIM). */
export function checkSchemas(body: Json, urn: string): void {
  const schemas = sent(body, 'schemas');
  const named =
    Array.isArray(schemas) &&
    schemas.some((each) => typeof each === 'string' && each.toLowerCase() === urn.toLowerCase());
  if (!named) throw invalidSyntax(`schemas must name ${urn}`);
}
