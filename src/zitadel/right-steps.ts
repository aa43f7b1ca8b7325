/** The steps of a plan that change rights, as ZITADEL calls: members of the organization, authorizations for projects. */
import { type CallOptions, createClient, type Transport } from '@connectrpc/connect';
import { AuthorizationService } from '@zitadel/proto/zitadel/authorization/v2beta/authorization_service_pb.js';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import { ProjectService } from '@zitadel/proto/zitadel/project/v2beta/project_service_pb.js';
import type { Outcome } from '../bridge/ports/zitadel.ts';
import { projectRight } from '../mapping/rights.ts';
import type { RightCall, RightSet, Step, StepCall } from '../mapping/steps.ts';
import type { Call, CallSpec } from './caller.ts';
import { outcomeOf, STOPPED } from './outcome.ts';

export interface RightRunnerOptions {
  /** called as a moved service */
  readonly call: Call;
  readonly transport: Transport;
  readonly organization: string;
}

/** Runs one step on one user. */
export type RightRunner = (
  id: string,
  step: Pick<Step, 'right'> & { readonly call: RightCall },
  proceed: () => Promise<boolean>,
) => Promise<Outcome>;

export const isRightCall = (call: StepCall): call is RightCall =>
  call.endsWith('Administrator') || call.endsWith('Authorization');

/** A role that the project does not have. */
const ROLE_UNKNOWN = 'COMMAND-mm9F4';

export function createRightRunner({ call, transport, organization }: RightRunnerOptions): RightRunner {
  const administration = createClient(InternalPermissionService, transport);
  const authorization = createClient(AuthorizationService, transport);
  const projects = createClient(ProjectService, transport);
  const resource = { resource: { case: 'organizationId', value: organization } } as const;

  /** Resolves with the id of a new authorization; undefined: the answer lacks a required field. */
  async function send(
    userId: string,
    name: RightCall,
    right: RightSet,
    options: CallOptions,
  ): Promise<string | undefined> {
    const roles = [...right.roles];
    const { project: projectId = '', authorization: id = '' } = right;
    switch (name) {
      case 'CreateAdministrator':
        await administration.createAdministrator({ userId, resource, roles }, options);
        return '';
      case 'UpdateAdministrator':
        await administration.updateAdministrator({ userId, resource, roles }, options);
        return '';
      case 'DeleteAdministrator':
        // for a user who was not a member it contains no date
        return (await administration.deleteAdministrator({ userId, resource }, options)).deletionDate && '';
      case 'CreateAuthorization': {
        // without the organization older servers use the project's, newer ones refuse
        const request = { userId, projectId, organizationId: organization, roleKeys: roles };
        return (await authorization.createAuthorization(request, options)).id || undefined;
      }
      case 'UpdateAuthorization':
        await authorization.updateAuthorization({ id, roleKeys: roles }, options);
        return '';
      case 'DeleteAuthorization':
        await authorization.deleteAuthorization({ id }, options);
        return '';
    }
  }

  /** Adds roles to the project of a right; undefined: it has them all. */
  async function addRoles(
    { project: projectId = '', creates = [] }: RightSet,
    base: Pick<CallSpec, 'user' | 'proceed'>,
  ) {
    const spec = { ...base, name: 'AddProjectRole', effect: 'write', alone: `project ${projectId}` } as const;
    for (const roleKey of creates) {
      const result = await call(spec, (options) =>
        projects.addProjectRole({ projectId, roleKey, displayName: roleKey }, options),
      );
      if (result.kind === 'stopped') return STOPPED;
      if (result.kind === 'ok') continue;
      const outcome = outcomeOf(result.failure);
      // whatever happened to the role, the user was not changed
      if (outcome.kind === 'retry') return { ...outcome, definite: true };
      if (outcome.kind !== 'already') return outcome;
    }
    return undefined;
  }

  return async (id, { call: name, right }, proceed) => {
    if (right === undefined) throw new Error(`${name} without a right`);
    if ((name === 'UpdateAuthorization' || name === 'DeleteAuthorization') && !right.authorization)
      return { kind: 'replan', reason: `${name}: the id of the authorization is not known` };
    // parallel writes on one organization's members fail (measured)
    const alone = right.project === undefined ? { alone: `administrators ${organization}` } : {};
    const attempt = () =>
      call({ name, effect: 'write', user: id, lane: 'bulk', proceed, ...alone }, (options) =>
        send(id, name, right, options),
      );
    let result = await attempt();
    if (result.kind === 'failed' && result.failure.id === ROLE_UNKNOWN && right.creates?.length) {
      const missing = await addRoles(right, { user: id, proceed });
      if (missing !== undefined) return missing;
      result = await attempt();
    }
    if (result.kind === 'stopped') return STOPPED;
    if (result.kind === 'failed') return outcomeOf(result.failure);
    if (result.value === undefined) return { kind: 'replan', reason: `${name}: the answer does not say what was done` };
    if (name !== 'CreateAuthorization' || right.project === undefined) return { kind: 'done' };
    const held = { id: result.value, roles: right.roles };
    return { kind: 'done', after: { [projectRight(right.project)]: JSON.stringify(held) } };
  };
}
