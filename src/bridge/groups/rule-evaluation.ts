/** Evaluates the rules: binds them to the names that SCIM sets, and evaluates affected users again. */
import { rightsOfFacts } from '../../mapping/rights.ts';
import type { Named } from '../../mapping/rules/types.ts';
import type { Change, Row, Unique } from '../row/types.ts';
import type { Clock } from '../ports/context.ts';
import type { Store } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Lock } from '../delivery/exclusive.ts';
import { planRights, split } from '../delivery/rights.ts';
import { baseFacts, newChange, nextRevision, shownFacts, deliverable } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import { enqueue, narrow, trust } from '../row/transitions.ts';
import { updateRow } from '../row/update-row.ts';
import { definitionOf } from './definitions.ts';
import { createIdList } from './id-list.ts';
import { EVALUATED, type ActiveRules, TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID } from './active-rules.ts';

export interface RuleEvaluation {
  /** SCIM has set a group's name: rules are bound to it, and its members are evaluated if that changes their rights. */
  look(group: string): Promise<void>;
  /** A group was deleted. */
  forget(group: string): Promise<void>;
  /** Evaluates the members of these groups, whose bindings have changed. */
  review(groups: readonly string[]): Promise<void>;
  /** Evaluates members that an earlier process did not reach, and groups that were not evaluated yet. */
  resume(): Promise<void>;
  /** Corrects a user's rights if needed; `vouches`: all memberships count as trusted. Returns whether there is work. */
  lookAt(id: string, options?: { readonly vouches?: boolean; readonly txn?: string }): Promise<boolean>;
}

export interface RuleEvaluationOptions {
  readonly tenant: string;
  /** of the tenant's users, and of its groups */
  readonly unique: Unique;
  readonly groupsUnique: Unique;
  readonly store: Store;
  readonly lock: Lock;
  readonly book: ActiveRules;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
}

/** Number of members evaluated at once. */
const AT_ONCE = 100;

export function createRuleEvaluation(options: RuleEvaluationOptions): RuleEvaluation {
  const { tenant, unique, store, book, scheduler: wake, clock } = options;
  const shelf = groupsOf(tenant);
  const waiting = createIdList(store, options.lock, `looking:${tenant}`);

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
        const trusted = vouches ? allVouched(row) : row;
        isNew = owesRights(trusted, book);
        if (!isNew) return trusted;
        const at = clock();
        const revision = nextRevision(row);
        const ctx = { tenant, who: 'bridge', txn };
        const change = newChange(ctx, { revision, kind: 'edit', facts: {}, named: [], at, rights: true });
        return enqueue(trusted, change, at);
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
      now.trusted.length > 0 && !now.trusted.includes(EVALUATED) ? trust(now, [EVALUATED]) : now,
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
        for (const { id, trusted } of rows) if (trusted.length > 0 && !trusted.includes(EVALUATED)) await look(id);
      for (const group of await waiting.all()) {
        await members(group);
        await waiting.drop(group);
      }
    },
  };
}

/** What rules read from a group row; undefined: it does not exist. */
export function namedOf(row: Row): Named | undefined {
  const definition = definitionOf(row.id, baseFacts(row));
  if (definition === undefined || definition.deleting) return undefined;
  const { displayName, externalId } = definition;
  return {
    id: row.id,
    displayName,
    ...(externalId === undefined ? {} : { externalId }),
    vouched: row.trusted.includes(TRUSTED_DISPLAY_NAME),
    externalIdVouched: row.trusted.includes(TRUSTED_EXTERNAL_ID),
  };
}

/** Whether a user's rights differ from the rules, and no pending change will correct them. */
function owesRights(row: Row, book: ActiveRules): boolean {
  if (row.tombstone !== null || row.confirmed === null) return false;
  if (deliverable(row).some(({ rights, revision }) => rights && (row.calling === null || revision > row.calling)))
    return false;
  const facts = baseFacts(row);
  if (facts === null || book.spares(row.id)) return false;
  const held = rightsOfFacts(row.confirmed);
  if (book.wanted(held, split(row, facts), row.rights.given) === held) return false;
  const { take, give } = planRights(narrow(row, [...deliverable(row), LOOK]), book);
  // rights refused in the same way are not retried automatically
  const refused = new Set(row.deadLetters.flatMap(({ facts: dead }) => Object.entries(dead).map(String)));
  return [...take, ...give].some(({ after }) => Object.entries(after ?? {}).some((each) => !refused.has(String(each))));
}

/** Only its evaluation of rights matters. */
const LOOK: Change = {
  revision: 0,
  kind: 'edit',
  facts: {},
  named: [],
  acknowledged: true,
  rights: true,
  who: '',
  txn: '',
  at: 0,
};

function allVouched(row: Row): Row {
  const facts = shownFacts(row);
  if (facts === null) return row;
  return trust(row, split(row, facts).others);
}
