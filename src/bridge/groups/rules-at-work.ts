/** The rules at work: what is said of a group is bound, and whoever it concerns is looked at again. */
import { rightsOfFacts } from '../../mapping/rights.ts';
import type { Named } from '../../mapping/rules.ts';
import type { Change, Clock, Row, Store, Unique, Wake } from '../ports.ts';
import type { Exclusive } from '../exclusive.ts';
import { planRights, split } from '../rights.ts';
import { baseFacts, newChange, nextRevision, shownFacts, toSend } from '../rows.ts';
import { groupsOf } from '../shelves.ts';
import { updateRow } from '../writes.ts';
import { definitionOf } from './definitions.ts';
import { createIdList } from './id-list.ts';
import { LOOKED_AT, type Rulebook, SAID, SAID_EXTERNAL_ID } from './rulebook.ts';

export interface RulesAtWork {
  /** SCIM has said what a group is called: rules are bound to it, its members are looked at when that changes what they get. */
  look(group: string): Promise<void>;
  /** A group is gone. */
  forget(group: string): Promise<void>;
  /** Looks at the members of these groups: what they are bound to has changed. */
  review(groups: readonly string[]): Promise<void>;
  /** Looks at the members of groups again that an earlier process did not come to, and at groups it had not looked at. */
  resume(): Promise<void>;
  /** A user whose rights are not what they should be gets them; `vouches`: all memberships count as said. Whether something is to be done. */
  lookAt(id: string, options?: { readonly vouches?: boolean; readonly txn?: string }): Promise<boolean>;
}

export interface RulesAtWorkOptions {
  readonly tenant: string;
  /** of the tenant's users, and of its groups */
  readonly unique: Unique;
  readonly groupsUnique: Unique;
  readonly store: Store;
  readonly exclusive: Exclusive;
  readonly book: Rulebook;
  readonly wake: Wake;
  readonly clock: Clock;
}

/** Members looked at together. */
const AT_ONCE = 100;

export function createRulesAtWork(options: RulesAtWorkOptions): RulesAtWork {
  const { tenant, unique, store, book, wake, clock } = options;
  const shelf = groupsOf(tenant);
  const waiting = createIdList(store, options.exclusive, `looking:${tenant}`);

  async function members(group: string): Promise<void> {
    for (let after: string | undefined; ; ) {
      const page = await store.members(tenant, group, AT_ONCE, after);
      if (page.length === 0) return;
      await Promise.all(page.map(({ id }) => lookAt(id)));
      after = page.at(-1)?.id;
    }
  }

  async function lookAt(id: string, { vouches = false, txn = 'rules' } = {}): Promise<boolean> {
    let isNew = false;
    await updateRow(
      store,
      unique,
      { tenant, id },
      (row) => {
        const vouched = vouches ? allVouched(row) : row;
        isNew = owesRights(vouched, book);
        if (!isNew) return vouched;
        const at = clock();
        const revision = nextRevision(row);
        const ctx = { tenant, who: 'bridge', txn };
        const change = newChange(ctx, { revision, kind: 'edit', facts: {}, named: [], at, rights: true });
        return { ...vouched, changes: [...row.changes, { ...change, answered: true }], dueAt: at };
      },
      true,
    );
    if (isNew) wake.at(clock());
    return isNew;
  }

  async function look(group: string): Promise<void> {
    const row = await store.read({ tenant: shelf, id: group });
    const named = row && namedOf(row);
    if (row === undefined || named === undefined) return;
    const changed = await book.look(named);
    if (changed && (await store.memberSet(tenant, group)).count > 0) {
      await waiting.add(group);
      await members(group);
      await waiting.drop(group);
    }
    await updateRow(store, options.groupsUnique, row, (now) =>
      now.vouched.length > 0 && !now.vouched.includes(LOOKED_AT)
        ? { ...now, vouched: [...now.vouched, LOOKED_AT] }
        : now,
    );
  }

  return {
    look,
    forget: (group) => book.forget(group),
    async review(groups) {
      for (const group of groups) await members(group);
    },
    lookAt,
    async resume() {
      for await (const rows of store.scan(shelf))
        for (const { id, vouched } of rows) if (vouched.length > 0 && !vouched.includes(LOOKED_AT)) await look(id);
      for (const group of await waiting.all()) {
        await members(group);
        await waiting.drop(group);
      }
    },
  };
}

/** What rules look at of a group row; undefined: it is not there. */
export function namedOf(row: Row): Named | undefined {
  const definition = definitionOf(row.id, baseFacts(row));
  if (definition === undefined || definition.deleting) return undefined;
  const { displayName, externalId } = definition;
  return {
    id: row.id,
    displayName,
    ...(externalId === undefined ? {} : { externalId }),
    vouched: row.vouched.includes(SAID),
    externalIdVouched: row.vouched.includes(SAID_EXTERNAL_ID),
  };
}

/** Whether the rules want rights of a user otherwise than they are, and nothing on its way will see to it. */
function owesRights(row: Row, book: Rulebook): boolean {
  if (row.tombstone !== null || row.known === null) return false;
  if (toSend(row).some(({ rights, revision }) => rights && (row.calling === null || revision > row.calling)))
    return false;
  const facts = baseFacts(row);
  if (facts === null || book.spares(row.id)) return false;
  const held = rightsOfFacts(row.known);
  if (book.wanted(held, split(row, facts), row.rights.given) === held) return false;
  const { take, give } = planRights({ ...row, changes: [...toSend(row), LOOK] }, book);
  // what was refused in just this way is not asked for again by itself
  const refused = new Set(row.dead.flatMap(({ facts: dead }) => Object.entries(dead).map(String)));
  return [...take, ...give].some(({ after }) => Object.entries(after ?? {}).some((each) => !refused.has(String(each))));
}

/** Only that it looks at rights is read of it. */
const LOOK: Change = {
  revision: 0,
  kind: 'edit',
  facts: {},
  named: [],
  answered: true,
  rights: true,
  who: '',
  txn: '',
  at: 0,
};

function allVouched(row: Row): Row {
  const facts = shownFacts(row);
  if (facts === null) return row;
  const { others } = split(row, facts);
  return others.length === 0 ? row : { ...row, vouched: [...row.vouched, ...others] };
}
