/** What every resource of the protocol is given: the request after tenant, route and limits are settled. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Context } from '../../bridge/ports/context.ts';
import type { Tenant } from '../../bridge/requests/use-cases.ts';
import type { Json } from './body.ts';
import type { Ignore } from './ignored.ts';
import type { Parameters } from './query.ts';
import type { Answer } from './respond.ts';

export interface ScimRequest {
  readonly tenant: Tenant;
  readonly ctx: Context;
  /** what stands for `:id` in the route, '' elsewhere */
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  /** of the URL */
  readonly parameters: Parameters;
  /** URL that the routes hang under, e.g. https://scim.example.com/scim/v2 */
  readonly base: string;
  /** Reads the body: JSON of at most what the route allows. Throws 400, 413, 415. */
  readonly body: () => Promise<Json>;
  /** takes the names of attributes that are passed over, for the log */
  readonly ignore: Ignore;
}

/** Answers one method of one route. Throws BridgeError. */
export type Serve = (request: ScimRequest) => Promise<Answer>;
