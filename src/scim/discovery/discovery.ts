/** What the server can do (RFC 7644 §4). It needs the token like everything else: one rule for all routes, and every client has it by then. */
import { Schemas } from 'scimmy';
import { BridgeError } from '../../errors.ts';
import type { Tenant } from '../../bridge/requests/use-cases.ts';
import { GROUP, GROUP_SCHEMA, type ResourceSchema, type Schema, USER, USER_SCHEMA } from '../../mapping/schema.ts';
import type { Json } from '../http/body.ts';
import { listAnswer } from '../http/messages.ts';
import { MAX_COUNT } from '../http/query.ts';
import type { ScimRequest, Serve } from '../http/request.ts';
import type { Answer } from '../http/respond.ts';

const SCHEMA_URN = 'urn:ietf:params:scim:schemas:core:2.0:Schema';

const SCHEMAS: readonly Schema[] = [USER_SCHEMA, ...USER.extensions, GROUP_SCHEMA];

const RESOURCE_TYPES = [typeOf(USER, '/Users'), typeOf(GROUP, '/Groups')];

const SCHEMES = {
  bearer: {
    type: 'oauthbearertoken',
    name: 'Bearer token',
    description:
      'A token of this bridge, or an access token of the identity provider where the tenant allows it (RFC 6750).',
    specUri: 'https://www.rfc-editor.org/info/rfc6750',
    primary: true,
  },
};

export interface Discovery {
  readonly serviceProviderConfig: Serve;
  readonly resourceTypes: Serve;
  readonly resourceType: Serve;
  readonly schemas: Serve;
  readonly schema: Serve;
}

/** `changePassword`: whether passwords from clients reach the tenant's users. */
export function createDiscovery(changePassword: (tenant: Tenant) => boolean): Discovery {
  return {
    serviceProviderConfig: async (request) => {
      refuseFilter(request);
      return { status: 200, body: serviceProviderConfig(changePassword(request.tenant), request.base) };
    },
    resourceTypes: async (request) =>
      all(
        RESOURCE_TYPES.map((each) => resourceType(each, request.base)),
        request,
      ),
    resourceType: async (request) => one(RESOURCE_TYPES, request, resourceType),
    schemas: async (request) =>
      all(
        SCHEMAS.map((each) => schema(each, request.base)),
        request,
      ),
    schema: async (request) => one(SCHEMAS, request, schema),
  };
}

function serviceProviderConfig(changePassword: boolean, base: string): Json {
  return {
    schemas: [Schemas.ServiceProviderConfig.id],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MAX_COUNT },
    changePassword: { supported: changePassword },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [SCHEMES.bearer],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

function typeOf({ core, extensions }: ResourceSchema, endpoint: string) {
  const { id, name, description } = core;
  const schemaExtensions = extensions.map((each) => ({ schema: each.id, required: false }));
  return { id: name, name, description, endpoint, schema: id, schemaExtensions };
}

function resourceType(type: (typeof RESOURCE_TYPES)[number], base: string): Json {
  const location = `${base}/ResourceTypes/${type.id}`;
  return { schemas: [Schemas.ResourceType.id], ...type, meta: { resourceType: 'ResourceType', location } };
}

function schema(each: Schema, base: string): Json {
  return { schemas: [SCHEMA_URN], ...each, meta: { resourceType: 'Schema', location: `${base}/Schemas/${each.id}` } };
}

function all(resources: readonly Json[], request: ScimRequest): Promise<Answer> {
  refuseFilter(request);
  return listAnswer(resources.length, 1, resources);
}

function one<T extends { readonly id: string }>(
  from: readonly T[],
  request: ScimRequest,
  show: (each: T, base: string) => Json,
): { readonly status: 200; readonly body: Json } {
  refuseFilter(request);
  const found = from.find(({ id }) => id.toLowerCase() === request.id.toLowerCase());
  if (!found) throw new BridgeError(404, 'there is no such schema or resource type');
  return { status: 200, body: show(found, request.base) };
}

/** RFC 7644 §4: a filter on discovery is 403; every other query parameter is ignored. */
function refuseFilter({ parameters }: ScimRequest): void {
  if (parameters.has('filter')) throw new BridgeError(403, 'discovery cannot be filtered');
}
