/** The groups of one tenant: definitions on the group store user, memberships on the users. */
import { listRows } from '../requests/list.ts';
import type { Groups } from '../requests/use-cases.ts';
import { createGroup } from './create-group.ts';
import { editGroup, removeGroup } from './edit-group.ts';
import type { GroupContext } from './group-context.ts';
import { groupList } from './list-groups.ts';

const NOTHING = { members: false };

export function createGroups(context: GroupContext): Groups {
  const { scans, views } = context;
  const { tenant, store } = context.groups.requests;
  const rows = groupList(tenant, store, views);
  return {
    create: (ctx, input) => createGroup(context, ctx, input),
    get: (_ctx, id, { members } = NOTHING) => views.get(id, members),
    list: (_ctx, query) => listRows({ store, scans }, rows, query),
    edit: (ctx, id, edit, shown = NOTHING) => editGroup(context, ctx, id, edit, shown),
    remove: (ctx, id, ifMatch) => removeGroup(context, ctx, id, ifMatch),
  };
}
