import type { ServiceImpl } from '@connectrpc/connect';
import type { ManagementService } from '@zitadel/proto/zitadel/management_pb.js';
import { OrgState } from '@zitadel/proto/zitadel/org_pb.js';
import { refusal } from '../errors.ts';
import { ORGANIZATION_ROLES } from '../permissions.ts';
import type { World } from '../world.ts';
import { v1Details } from './v1-details.ts';

const STATES = { active: OrgState.ACTIVE, inactive: OrgState.INACTIVE, removed: OrgState.REMOVED } as const;

/** zitadel.management.v1.ManagementService: the organization of the header, and the roles it can give. */
export function createManagementService({
  calls,
  state,
  permissions,
}: World): Partial<ServiceImpl<typeof ManagementService>> {
  return {
    getMyOrg: calls.read((_request, { user, context }) => {
      permissions.demand(user, context, 'org.read', 'door');
      const organization = state.organizations.get(context);
      if (!organization) throw refusal('organizationUnknown');
      return {
        org: {
          id: organization.id,
          details: v1Details({ ...organization, sequence: 1 }, organization.id),
          state: STATES[organization.state],
          name: organization.name,
          primaryDomain: organization.domains[0] ?? '',
        },
      };
    }),
    listOrgMemberRoles: calls.read((_request, { user, context }) => {
      permissions.demand(user, context, 'org.member.read', 'door');
      return { result: [...ORGANIZATION_ROLES] };
    }),
  };
}
