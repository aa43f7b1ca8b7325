import type { ServiceImpl } from '@connectrpc/connect';
import { ProjectState } from '@zitadel/proto/zitadel/project/v2beta/query_pb.js';
import type { ProjectService } from '@zitadel/proto/zitadel/project/v2beta/project_service_pb.js';
import { timestamp } from '../clock.ts';
import type { Project } from '../entities.ts';
import { refusal } from '../errors.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';
import { textMatches } from './text.ts';

/** zitadel.project.v2beta and v2: projects and their roles. */
export function createProjectService(world: World): Partial<ServiceImpl<typeof ProjectService>> {
  const { calls, state, permissions } = world;
  const target = ({ projectId }: { readonly projectId: string }) => ({ lane: `project ${projectId}` });

  function project(id: string): Project {
    const found = state.projects.get(id);
    if (!found) throw refusal('projectUnknown');
    return found;
  }

  return {
    createProject: calls.write(
      ({ id }) => ({ lane: `project ${id ?? world.id()}` }),
      ({ organizationId: organization, name, id = world.id() }, { user }) => {
        permissions.demand(user, organization, 'project.create');
        const stamp = world.stamp();
        const made: Project = { id, organization, name, roles: [], created: stamp, changed: stamp };
        state.projects.set(id, made);
        return { id, creationDate: timestamp(stamp) };
      },
    ),

    addProjectRole: calls.write(target, ({ projectId, roleKey: key, displayName, group = '' }, { user }) => {
      const confirmed = project(projectId);
      permissions.demand(user, confirmed.organization, 'project.role.write');
      if (confirmed.roles.some((role) => role.key === key)) throw refusal('projectRoleExists');
      const created = world.stamp();
      const roles = [...confirmed.roles, { key, displayName, group, created }];
      state.projects.set(projectId, { ...confirmed, roles, changed: created });
      return { creationDate: timestamp(created) };
    }),

    listProjectRoles: calls.read(({ projectId, pagination, filters }, { user }) => {
      const confirmed = state.projects.get(projectId);
      const hits = (confirmed?.roles ?? []).filter((role) =>
        filters.every(({ filter }) => {
          if (filter.case === 'roleKeyFilter') return textMatches(filter.value.method, role.key, filter.value.key);
          if (filter.case !== 'displayNameFilter') return true;
          return textMatches(filter.value.method, role.displayName, filter.value.displayName);
        }),
      );
      const page = pageOf(hits, pagination, { max: 1000, standard: 100 });
      const visible = confirmed && permissions.has(user, confirmed.organization, 'project.role.read') ? page.rows : [];
      return {
        pagination: { totalResult: BigInt(hits.length), appliedLimit: BigInt(page.limit) },
        projectRoles: visible.map(({ key, displayName, group, created }) => ({
          projectId,
          key,
          displayName,
          group,
          creationDate: timestamp(created),
          changeDate: timestamp(created),
        })),
      };
    }),

    listProjects: calls.read(({ pagination, filters }, { user }) => {
      const hits = [...state.projects.values()].filter((one) =>
        filters.every(({ filter }) => {
          if (filter.case === 'inProjectIdsFilter') return filter.value.ids.includes(one.id);
          if (filter.case === 'projectNameFilter') {
            return textMatches(filter.value.method, one.name, filter.value.projectName);
          }
          return filter.case === undefined || one.organization === filter.value.id;
        }),
      );
      const page = pageOf(hits, pagination, { max: 1000, standard: 100 });
      const visible = page.rows.filter(({ organization }) => permissions.has(user, organization, 'project.read'));
      return {
        pagination: { totalResult: BigInt(hits.length), appliedLimit: BigInt(page.limit) },
        projects: visible.map(({ id, organization, name, created, changed }) => ({
          id,
          name,
          organizationId: organization,
          state: ProjectState.ACTIVE,
          creationDate: timestamp(created),
          changeDate: timestamp(changed),
        })),
      };
    }),
  };
}
