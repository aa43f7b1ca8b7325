import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { Code, createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { AuthService } from '@zitadel/proto/zitadel/auth_pb.js';
import { AuthorizationService } from '@zitadel/proto/zitadel/authorization/v2beta/authorization_service_pb.js';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { OrganizationService } from '@zitadel/proto/zitadel/org/v2beta/org_service_pb.js';
import { ProjectService } from '@zitadel/proto/zitadel/project/v2beta/project_service_pb.js';
import { SessionService } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import { SettingsService } from '@zitadel/proto/zitadel/settings/v2/settings_service_pb.js';
import { callerKey, identify } from './callers.ts';
import { wireKey, wireOf } from './connections.ts';
import type { Request, Response } from './connections.ts';
import { isGrpc, reply, replyGrpc } from './http.ts';
import type { Journal } from './journal.ts';
import { authorizationV2 } from './proto-authorization-v2.ts';
import { fullUserService, twinOf } from './protos.ts';
import { createAdministratorService } from './services/administrators.ts';
import {
  createAuthorizationService,
  createAuthorizationServiceV2,
  listAuthorizationsV2,
} from './services/authorizations.ts';
import { createOrganizationService } from './services/organizations.ts';
import { createProjectService } from './services/projects.ts';
import { createSessionService } from './services/sessions.ts';
import { createSettingsService } from './services/settings.ts';
import { createUserService } from './services/user-service.ts';
import { createAuthService } from './services/v1-auth.ts';
import { createManagementService } from './services/v1-management.ts';
import type { World } from './world.ts';

/** Which of the twin services are served: v2beta as on the measured server, v2 as from 5.0 on, both between. */
export type Twins = 'v2' | 'v2beta' | 'both';

export interface RpcOptions {
  readonly world: World;
  readonly journal: Journal;
  readonly twins: Twins;
}

/** The services by Connect, gRPC and gRPC-Web; v1 services by gRPC and gRPC-Web only. */
export function createRpc({ world, journal, twins }: RpcOptions): (request: Request, response: Response) => void {
  const responses = new WeakMap<Request, Response>();
  const confirmed = new Set<string>();

  function routes(router: ConnectRouter): void {
    router
      .service(fullUserService(), createUserService(world))
      .service(SessionService, createSessionService(world))
      .service(SettingsService, createSettingsService(world))
      .service(AuthService, createAuthService(world))
      .service(ManagementService, createManagementService(world));
    if (twins !== 'v2') {
      router
        .service(OrganizationService, createOrganizationService(world))
        .service(InternalPermissionService, createAdministratorService(world))
        .service(AuthorizationService, createAuthorizationService(world))
        .service(ProjectService, createProjectService(world));
    }
    if (twins !== 'v2beta') {
      const { service, list } = authorizationV2();
      const administrators = twinOf(
        InternalPermissionService,
        'zitadel.internal_permission.v2.InternalPermissionService',
      );
      router
        .service(administrators, createAdministratorService(world))
        .service(twinOf(ProjectService, 'zitadel.project.v2.ProjectService'), createProjectService(world))
        .service(service, createAuthorizationServiceV2(world))
        .rpc(list, listAuthorizationsV2(world) as never);
    }
    for (const { service } of router.handlers) confirmed.add(service.typeName);
  }

  /** Runs before the body is read: a call without a token gets 401, whatever it sends. */
  function availability(context: HandlerContext): void {
    journal.count(context.method.name);
    context.values.set(callerKey, identify(world.state, context.requestHeader, world.stamp()));
  }

  const adapter = connectNodeAdapter({
    routes,
    requestGate: availability,
    contextValues: (request) => {
      const response = responses.get(request);
      const values = createContextValues();
      return response ? values.set(wireKey, wireOf(request, response)) : values;
    },
    fallback: (request, response) => absent(request, response as Response, confirmed),
  });
  return (request, response) => {
    responses.set(request, response);
    const [, service = ''] = (request.url ?? '').split('/');
    if (!isGrpc(request) && /\.v1\.\w+$/.test(service)) return notFound(response);
    adapter(request, response);
  };
}

/** A method that is not there: a text where the service is known, else the answer of the REST gateway. */
function absent(request: Request, response: Response, confirmed: ReadonlySet<string>): void {
  const [, service = ''] = (request.url ?? '').split('/');
  if (confirmed.has(service)) return reply(response, 404, '404 page not found\n');
  if (!isGrpc(request)) return notFound(response);
  replyGrpc(response, Code.Unimplemented, `unknown service ${service}`);
}

function notFound(response: Response): void {
  reply(response, 404, { code: 5, message: 'Not Found' });
}
