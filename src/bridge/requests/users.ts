/** The users of one tenant: each write appends a change, reconciles inline and answers; reads come from the view. */
import type { Facts } from '../../mapping/facts.ts';
import { createCreateUser } from './create-user.ts';
import type { Submit } from './submit.ts';
import { createEditUser } from './edit-user.ts';
import { createNames } from './unique-names.ts';
import { hashPassword } from './passwords.ts';
import type { Clock, Ids } from '../ports/context.ts';
import type { PasswordRules } from '../ports/zitadel.ts';
import type { Store } from '../ports/store.ts';
import type { Unique } from '../row/types.ts';
import type { Deliver } from '../delivery/target.ts';
import { type NameOf, resourceOf, shownFacts } from '../row/views.ts';
import type { Waiters } from '../delivery/waiters.ts';
import type { Timing } from '../timing.ts';
import type { Users } from './use-cases.ts';
import type { View } from './read-users.ts';

export interface UsersOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly view: View;
  readonly submit: Submit;
  readonly deliver: Deliver;
  readonly waiters: Waiters;
  readonly nameOf: NameOf;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
  /** undefined: passwords are ignored. Else the organization's rules, as sync last read them; throws 503 while there are none */
  readonly passwordRules: (() => PasswordRules) | undefined;
}

export function createUsers(options: UsersOptions): Users {
  const { view } = options;

  async function passwordFact(clear: string | undefined): Promise<Facts> {
    if (clear === undefined || options.passwordRules === undefined) return {};
    return { password: await hashPassword(clear, options.passwordRules()) };
  }

  const parts = {
    ...options,
    passwordFact,
    heldBy: createNames(options),
  };
  return {
    create: createCreateUser(parts),
    ...createEditUser(parts),
    list: (_ctx, query) => view.list(query),
    async get(_ctx, id) {
      const row = await view.row(id);
      return resourceOf(row, shownFacts(row) ?? {}, options.nameOf);
    },
  };
}
