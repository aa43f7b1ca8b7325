/** The users of one tenant: each write appends a change, delivers it inline and responds; reads use the view. */
import { createUser } from './create-user.ts';
import { editUser, removeUser } from './edit-user.ts';
import { userList } from './list-users.ts';
import { listRows } from './list.ts';
import { readUser } from './read-users.ts';
import { resourceOf, shownFacts } from '../row/views.ts';
import type { UserContext } from './user-context.ts';
import type { Users } from './use-cases.ts';

export function createUsers(context: UserContext): Users {
  const { view, nameOf } = context;
  const lists = { store: context.requests.store, scans: context.scans };
  const rows = userList(view, nameOf);
  return {
    create: (ctx, input) => createUser(context, ctx, input),
    edit: (ctx, id, edit) => editUser(context, ctx, id, edit),
    remove: (ctx, id, ifMatch) => removeUser(context, ctx, id, ifMatch),
    list: (_ctx, query) => listRows(lists, rows, query),
    async get(_ctx, id) {
      const row = await readUser(view, id);
      return resourceOf(row, shownFacts(row) ?? {}, nameOf);
    },
  };
}
