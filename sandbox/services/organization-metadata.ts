import type { ServiceImpl } from '@connectrpc/connect';
import type { OrganizationService } from '@zitadel/proto/zitadel/org/v2beta/org_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import { refusal } from '../errors.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';

type Methods = 'setOrganizationMetadata' | 'listOrganizationMetadata' | 'deleteOrganizationMetadata';

/** Metadata of organizations: unlike that of users it is written again even when equal. */
export function createOrganizationMetadata(world: World): Pick<ServiceImpl<typeof OrganizationService>, Methods> {
  const { calls, state, permissions } = world;
  const target = ({ organizationId }: { readonly organizationId: string }) => ({
    lane: `organization metadata ${organizationId}`,
  });

  function enter({ user, context }: Caller, organization: string): void {
    permissions.demand(user, context, 'org.write', 'door');
    if (state.organizations.has(organization)) permissions.demand(user, organization, 'org.write', 'door');
  }

  return {
    setOrganizationMetadata: calls.write(target, ({ organizationId, metadata }, caller) => {
      enter(caller, organizationId);
      if (metadata.length === 0) throw refusal('metadataEmpty');
      if (!state.organizations.has(organizationId)) throw refusal('organizationUnknown');
      const rows = state.organizationMetadata.of(organizationId);
      const changed = world.stamp();
      for (const { key, value } of metadata) {
        const created = rows.get(key)?.created ?? changed;
        const text = Buffer.from(value).toString('base64');
        state.organizationMetadata.put(organizationId, key, { value: text, created, changed });
      }
      return { setDate: timestamp(changed) };
    }),

    listOrganizationMetadata: calls.read(({ organizationId, pagination }, { user, context }) => {
      permissions.demand(user, context, 'org.read', 'door');
      const rows = [...state.organizationMetadata.of(organizationId)].toSorted(([a], [b]) => (a < b ? -1 : 1));
      const page = pageOf(rows, pagination, { max: 1000, standard: 0 });
      const visible = permissions.has(user, organizationId, 'org.read') ? page.rows : [];
      return {
        pagination: { totalResult: BigInt(rows.length), appliedLimit: BigInt(page.limit) },
        metadata: visible.map(([key, row]) => ({
          key,
          value: new Uint8Array(Buffer.from(row.value, 'base64')),
          creationDate: timestamp(row.created),
          changeDate: timestamp(row.changed),
        })),
      };
    }),

    deleteOrganizationMetadata: calls.write(target, ({ organizationId, keys }, caller) => {
      enter(caller, organizationId);
      if (keys.length === 0) throw refusal('organizationMetadataDeleteEmpty');
      const rows = state.organizationMetadata.of(organizationId);
      if (keys.some((key) => !rows.has(key))) throw refusal('organizationMetadataKeyMissing');
      for (const key of keys) state.organizationMetadata.remove(organizationId, key);
      return { deletionDate: timestamp(world.stamp()) };
    }),
  };
}
