/** The path of a request: identify, limit, route, ready, serve, answer. Whatever happens, the answer is SCIM JSON. */
import express, { type Request, type Response, type Router } from 'express';
import { BridgeError } from '../../errors.ts';
import type { Clock, Ids } from '../../bridge/ports/context.ts';
import type { Tenant } from '../../bridge/requests/use-cases.ts';
import type { Access, Identity } from './auth.ts';
import { bodyBytes, readBody } from './body.ts';
import { createDiscovery } from '../discovery/discovery.ts';
import { crashSite, errorAnswer } from './errors.ts';
import { createIntake, type IntakeLimits } from './intake.ts';
import { createIgnored, type Ignored } from './ignored.ts';
import { answerType } from './media-type.ts';
import { urlParameters } from './query.ts';
import type { RequestLog } from './request-log.ts';
import { inPieces } from './pages.ts';
import { send, type Answer } from './respond.ts';
import { createRouteFinder, createRoutes, methodOf, type Found } from './routes.ts';
import { segmentsOf } from './segments.ts';
import { createRateLimit } from './throttle.ts';

export interface ScimOptions {
  readonly access: Access;
  /** origin that clients reach the bridge at; else what the request says, by express' trust proxy */
  readonly publicUrl?: string | undefined;
  /** requests a second per tenant, 0 = no limit */
  readonly rateLimit: number;
  readonly log: RequestLog;
  /** transaction ids */
  readonly ids: Ids;
  readonly clock: Clock;
  /** for tests: other bounds than the defaults on what of one tenant is in work at a time */
  readonly intakeLimits?: IntakeLimits | undefined;
  /** whether passwords sent by clients reach ZITADEL; without it none do */
  readonly changePassword?: ((tenant: Tenant) => boolean) | undefined;
}

const BASE_PATH = '/scim/v2';
/** Seconds after which a client may look again whether the first sync is done. */
const FIRST_SYNC_RETRY = 5;

/** What is found out about a request, for the answer and the log. */
interface Trace {
  readonly txn: string;
  readonly ignored: Ignored;
  identity?: Identity;
  found?: Found;
}

/** The SCIM 2.0 protocol as an express router, to be mounted at /scim/v2. */
export function createScim({
  access,
  publicUrl,
  rateLimit,
  log,
  ids,
  clock,
  intakeLimits,
  changePassword = () => false,
}: ScimOptions): Router {
  const find = createRouteFinder(createRoutes(createDiscovery(changePassword)));
  const limit = createRateLimit(rateLimit, clock);
  const intake = createIntake(intakeLimits);

  async function serve(req: Request, res: Response, trace: Trace): Promise<Answer> {
    const identity = await access.identify(req.headers.authorization, req.ip ?? '');
    trace.identity = identity;
    const { tenant, who } = identity;
    limit.take(tenant.id);

    const segments = pathOf(req.url);
    // ZITADEL's native SCIM has the organization in the path: a client that moves over keeps its paths
    const prefixed = segments[0] === tenant.organization;
    const found = find(prefixed ? segments.slice(1) : segments);
    if (!found)
      throw new BridgeError(404, 'there is nothing at this path: check the base URL that the client was given');
    trace.found = found;
    const method = methodOf(found.route, req.method);
    if (found.route.early !== true && !tenant.ready())
      throw new BridgeError(503, 'users are being read from ZITADEL for the first time: try again soon', {
        retryAfter: FIRST_SYNC_RETRY,
      });

    const leave = await intake.enter(
      tenant.id,
      bodyBytes(req, found.route.megabytes ?? 1),
      (gone) => void res.once('close', gone),
    );
    try {
      return await method({
        tenant,
        ctx: { tenant: tenant.id, who, txn: trace.txn },
        id: found.id,
        headers: req.headers,
        parameters: urlParameters(req.url),
        base: `${origin(req, publicUrl)}${prefixed ? `/${tenant.organization}` : ''}`,
        body: () => readBody(req, res, found.route.megabytes ?? 1),
        ignore: trace.ignored.ignore,
      });
    } finally {
      leave();
    }
  }

  const router = express.Router();
  router.use(async (req, res) => {
    const start = performance.now();
    const trace: Trace = { txn: ids(), ignored: createIgnored() };
    let answer: Answer;
    let crash: string | undefined;
    try {
      answer = await inPieces(await serve(req, res, trace));
    } catch (error) {
      answer = errorAnswer(error);
      crash = crashSite(error);
    }
    const write = (): void =>
      log({
        method: req.method,
        route: trace.found?.route.path,
        status: res.writableFinished ? answer.status : 499,
        duration: performance.now() - start,
        txn: trace.txn,
        tenant: trace.identity?.tenant.id,
        who: trace.identity?.who,
        id: trace.found?.id || textOf(answer, 'id'),
        scimType: textOf(answer, 'scimType'),
        ignored: trace.ignored.names(),
        crash,
      });
    if (res.closed) write();
    else res.once('close', write);
    send(res, answer, answerType(req.headers.accept, trace.identity?.tenant.mediaType));
  });
  return router;
}

/** Throws 400. */
function pathOf(url: string): readonly string[] {
  const segments = segmentsOf(url);
  if (typeof segments !== 'string') return segments;
  throw new BridgeError(400, `the path ${segments}`, { scimType: 'invalidSyntax' });
}

/** A name of at most 255 characters or an address, and a port (RFC 3986 §3.2.2, RFC 1035 §2.3.4). */
const HOST = /^[\w.:[\]-]{1,262}$/;

const connectionScheme = ({ socket }: Request): string => ('encrypted' in socket ? 'https' : 'http');

function origin(req: Request, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) {
    let url = publicUrl;
    while (url.endsWith('/')) url = url.slice(0, -1);
    return url.toLowerCase().endsWith(BASE_PATH) ? url : url + BASE_PATH;
  }
  const host = HOST.test(req.host ?? '') ? req.host : 'localhost';
  // a trusted proxy may send anything: `javascript` in a Location is not an origin
  const scheme = req.protocol === 'http' || req.protocol === 'https' ? req.protocol : connectionScheme(req);
  return `${scheme}://${host}${BASE_PATH}`;
}

function textOf({ body }: Answer, name: string): string | undefined {
  const value = body?.[name];
  return typeof value === 'string' ? value : undefined;
}
