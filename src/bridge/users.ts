/** The users of one tenant: each write appends a change, reconciles inline and answers; reads come from the view. */
import type { Facts } from '../mapping/facts.ts';
import { createCreate } from './create.ts';
import type { HandOver } from './hand-over.ts';
import { createEdit } from './edit.ts';
import { createNames } from './names.ts';
import { hashPassword } from './passwords.ts';
import type { Clock, Ids, PasswordRules, Store, Unique } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import { type NameOf, resourceOf, shownFacts } from './rows.ts';
import type { Settlements } from './settlements.ts';
import type { Timing } from './timing.ts';
import type { Users } from './use-cases.ts';
import type { View } from './view.ts';

export interface UsersOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly view: View;
  readonly handOver: HandOver;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
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
    create: createCreate(parts),
    ...createEdit(parts),
    list: (_ctx, query) => view.list(query),
    async get(_ctx, id) {
      const row = await view.row(id);
      return resourceOf(row, shownFacts(row) ?? {}, options.nameOf);
    },
  };
}
