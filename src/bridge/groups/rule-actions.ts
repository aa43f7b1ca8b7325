/** Operator actions on groups and rules. */
import { BridgeError } from '../../errors.ts';
import { isIn, namesOf, rightsOfFacts } from '../../mapping/rights.ts';
import { matchOf, textOf, wanted } from '../../mapping/rules/rules.ts';
import { type Named } from '../../mapping/rules/types.ts';
import { inParallel } from '../in-parallel.ts';
import type { GroupsOperator, PlannedUser, RulesState } from '../ports/operator.ts';
import type { Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import type { Deliver } from '../delivery/target.ts';
import { shownFacts } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import { membershipsOf } from '../../mapping/groups.ts';
import { trustOnly } from '../row/transitions.ts';
import { updateRow } from '../row/update-row.ts';
import type { Directory } from './directory.ts';
import { explained } from './explain.ts';
import { EVALUATED, type ActiveRules, TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID } from './active-rules.ts';
import { namedOf, type RuleEvaluation } from './rule-evaluation.ts';

export interface RuleActionsOptions {
  readonly tenant: string;
  readonly groupsUnique: Unique;
  readonly store: Store;
  readonly book: ActiveRules;
  readonly rules: RuleEvaluation;
  readonly directory: Directory;
  readonly deliver: Deliver;
}

/** Progress of an apply. */
interface Applying {
  readonly after: Pick<Row, 'created' | 'id'> | null;
  readonly users: number;
  readonly changed: number;
}

const namesIn = (rows: readonly Row[]): readonly Named[] => rows.flatMap((row) => namedOf(row) ?? []);

/** Number of users delivered at once. */
const AT_ONCE = 6;

export function createRuleActions(options: RuleActionsOptions): GroupsOperator {
  const { tenant, groupsUnique, store, book, rules, directory, deliver } = options;
  const shelf = groupsOf(tenant);
  const place = `applying:${tenant}`;
  const applying = async (): Promise<Applying | undefined> => (await store.getState(place)) as Applying | undefined;

  async function rowsOfGroups(): Promise<readonly Row[]> {
    const found: Row[] = [];
    for await (const rows of store.scan(shelf)) found.push(...rows);
    return found;
  }

  /** If no bridge is running, nothing has checked yet which rules can be applied. */
  async function confirmed(): Promise<void> {
    if (!book.checked()) await book.check().catch(() => undefined); // ZITADEL is unreachable: the stored result is used
  }

  async function* plan(): AsyncIterable<PlannedUser> {
    const next = book.next(namesIn(await rowsOfGroups()));
    const off = await book.offOf(next);
    for await (const rows of store.scan(tenant)) {
      for (const row of rows) {
        if (book.spares(row.id)) continue;
        const held = rightsOfFacts(row.confirmed ?? {});
        const trusted = membershipsOf(shownFacts(row) ?? {});
        const then = wanted(next, held, { vouched: trusted, others: [] }, off);
        if (then === held) continue;
        const [has, gets] = [namesOf(held), namesOf(then)];
        const add = gets.filter((name) => !isIn(has, name));
        const remove = has.filter((name) => !isIn(gets, name));
        if (add.length + remove.length > 0) yield { id: row.id, add, remove };
      }
    }
  }

  async function begin(): Promise<Applying> {
    const earlier = await applying();
    if (earlier !== undefined && !book.differs()) return earlier;
    const groups = await rowsOfGroups();
    const next = book.next(namesIn(groups));
    await book.offOf(next); // does not begin while ZITADEL is unreachable
    const fresh = { after: null, users: 0, changed: 0 };
    await store.setState(place, fresh);
    await book.put(next);
    await book.check();
    for (const row of groups)
      await updateRow(store, groupsUnique, row, (now) =>
        trustOnly(now, [TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID, EVALUATED]),
      );
    return fresh;
  }

  let isApplying = false;

  const apply: GroupsOperator['apply'] = async (onProgress, signal) => {
    if (isApplying) throw new BridgeError(409, 'another `groups apply` of this tenant is under way');
    isApplying = true;
    try {
      return await carryOut(onProgress, signal);
    } finally {
      isApplying = false;
    }
  };

  const carryOut: GroupsOperator['apply'] = async (onProgress, signal) => {
    let { after, users, changed } = await begin();
    for await (const slice of store.scan(tenant, after ?? undefined)) {
      await inParallel(slice, AT_ONCE, async ({ id }) => {
        users += 1;
        if (!(await rules.lookAt(id, { vouches: true, txn: 'apply' }))) return;
        changed += 1;
        await deliver({ tenant, id });
      });
      after = slice.at(-1) ?? after;
      await store.setState(place, { after: after && { created: after.created, id: after.id }, users, changed });
      onProgress({ users, changed });
      if (signal.aborted)
        throw new BridgeError(503, 'interrupted: run `groups apply` again to continue', { retryAfter: 1 });
    }
    await store.setState(place, undefined);
    const { pending: owed, deadLetter: dead } = await store.counts(tenant);
    const left = owed + dead === 0 ? '' : `; ${owed} rows are still pending, ${dead} have dead letters (queue list)`;
    return {
      rows: changed,
      told: `the rules of bridge.yaml are in force: ${users} users looked at, ${changed} changed${left}`,
    };
  };

  return {
    plan,
    apply,
    async state(): Promise<RulesState> {
      await confirmed();
      const { rules: inForce, bindings } = book.set();
      const under = await applying();
      const unconfirmed = (await rowsOfGroups())
        .filter(({ trusted }) => !trusted.includes(TRUSTED_DISPLAY_NAME))
        .map(({ id }) => id);
      return {
        rules: inForce.map((rule, at) => {
          const off = book.off().get(at);
          const groups = (bindings[matchOf(rule)] ?? []).map(({ group }) => group);
          return { rule: at + 1, text: textOf(rule), groups, ...(off === undefined ? {} : { off }) };
        }),
        differs: book.differs(),
        first: book.set().first === true,
        unconfirmed: inForce.length === 0 ? [] : unconfirmed,
        applying: under === undefined ? null : { users: under.users },
      };
    },
    async explain(user) {
      const row = await store.read({ tenant, id: user });
      if (row === undefined || shownFacts(row) === null)
        throw new BridgeError(404, `there is no user ${user} of tenant ${tenant}`);
      await confirmed();
      return explained(row, book, directory);
    },
  };
}
