import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { callerKey, identify } from './callers.ts';
import { wireKey, wireOf } from './connections.ts';
import type { Request, Response } from './connections.ts';
import { reply } from './http.ts';
import type { Journal } from './journal.ts';
import { createUserService } from './services/user-service.ts';
import type { World } from './world.ts';

/** Which of the twin services are served: v2beta as on the measured server, v2 as from 5.0 on, both between. */
export type Twins = 'v2' | 'v2beta' | 'both';

export interface RpcOptions {
  readonly world: World;
  readonly journal: Journal;
  readonly twins: Twins;
}

const GRPC = 'application/grpc';

/** The services by Connect, gRPC and gRPC-Web; v1 services by gRPC and gRPC-Web only. */
export function createRpc({ world, journal }: RpcOptions): (request: Request, response: Response) => void {
  const responses = new WeakMap<Request, Response>();
  const known = new Set<string>();

  function routes(router: ConnectRouter): void {
    router.service(UserService, createUserService(world));
    for (const { service } of router.handlers) known.add(service.typeName);
  }

  /** Runs before the body is read: a call without a token is told 401, whatever it sends. */
  function gate(context: HandlerContext): void {
    journal.count(context.method.name);
    context.values.set(callerKey, identify(world.state, context.requestHeader, world.stamp()));
  }

  const adapter = connectNodeAdapter({
    routes,
    requestGate: gate,
    contextValues: (request) => {
      const response = responses.get(request);
      const values = createContextValues();
      return response ? values.set(wireKey, wireOf(request, response)) : values;
    },
    fallback: (request, response) => absent(request, response as Response, known),
  });
  return (request, response) => {
    responses.set(request, response);
    const [, service = ''] = (request.url ?? '').split('/');
    const byConnect = !String(request.headers['content-type'] ?? '').startsWith(GRPC);
    if (byConnect && /\.v1\.\w+$/.test(service)) return notFound(response);
    adapter(request, response);
  };
}

/** A method that is not there: a text where the service is known, else the answer of the REST gateway. */
function absent(request: Request, response: Response, known: ReadonlySet<string>): void {
  const [, service = ''] = (request.url ?? '').split('/');
  if (!String(request.headers['content-type'] ?? '').startsWith(GRPC)) {
    if (known.has(service)) return reply(response, 404, '404 page not found\n');
    return notFound(response);
  }
  if (known.has(service)) return reply(response, 404, '404 page not found\n');
  response.setHeader('grpc-status', '12');
  response.setHeader('grpc-message', encodeURIComponent(`unknown service ${service}`).replaceAll('%20', ' '));
  reply(response, 200, '', GRPC);
}

function notFound(response: Response): void {
  reply(response, 404, { code: 5, message: 'Not Found' });
}
