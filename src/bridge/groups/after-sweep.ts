/** After a sweep over the users: listed rights, keys of deleted groups, and members that have appeared meanwhile. */
import { BridgeError } from '../../errors.ts';
import type { Facts } from '../../mapping/facts.ts';
import { groupOf, MEMBER, membershipsOf } from '../../mapping/groups.ts';
import { rightsOfFacts } from '../../mapping/rights.ts';
import { addBridgeChange, schedule } from '../row/transitions.ts';
import type { Clock, Context } from '../ports/context.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import { textOf, withRights } from '../delivery/rights.ts';
import { isIdle } from '../row/views.ts';
import type { Timing } from '../timing.ts';
import { updateRow } from '../row/update-row.ts';
import { changeDefinition } from './definition-changes.ts';
import type { Directory } from './directory.ts';
import { changeMembers, type MembershipContext } from './membership-changes.ts';
import type { SubmitContext } from '../requests/submit.ts';
import type { RuleEvaluation } from './rule-evaluation.ts';
import type { ActiveRules } from './active-rules.ts';

export interface AfterSweepOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'allRights'>;
  readonly directory: Directory;
  readonly groups: SubmitContext;
  readonly members: MembershipContext;
  readonly book: ActiveRules;
  readonly rules: RuleEvaluation;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly timing: Timing;
}

export interface Tidied {
  /** memberships in unknown groups, too many to remove without an operator's consent */
  readonly keptKeys: number;
}

/** One sweep removes at most this share of all memberships, but always up to ALWAYS. */
const SHARE = 0.05;
const ALWAYS = 10;
/** An unresolved member is dropped after this time, ms. */
const PENDING_KEEP = 30 * 24 * 3_600_000;

export async function tidyAfterSweep(options: AfterSweepOptions, acceptRemovals: boolean): Promise<Tidied> {
  const {
    tenant,
    unique,
    store,
    zitadel,
    directory,
    groups,
    members,
    book,
    rules,
    scheduler: wake,
    clock,
    timing,
  } = options;
  const ctx: Context = { tenant, who: 'bridge', txn: 'sync' };
  const asked = clock();
  const all: ReadonlyMap<string, Facts> | undefined = book.active() ? await zitadel.allRights() : undefined;
  let keys = 0;
  let holdsRetired = false;
  const orphans: Key[] = [];
  const retired = book.set().retired;
  for await (const rows of store.scan(tenant)) {
    for (const row of rows) {
      const ids = membershipsOf(row.confirmed ?? {});
      keys += ids.length;
      if (isIdle(row) && strays(row).length > 0) orphans.push({ tenant, id: row.id });
      if (all === undefined || (ids.length === 0 && row.rights.at === 0 && !all.has(row.id))) continue;
      const now = await takeRights(row, all.get(row.id) ?? {});
      if (await rules.lookAt(row.id, { txn: 'sync' })) holdsRetired = true;
      else if (retired.length > 0 && !book.spares(row.id) && isRetired(now)) holdsRetired = true;
    }
  }
  if (all !== undefined) book.listedAt(asked);
  if (all !== undefined && retired.length > 0 && !holdsRetired) await book.finish();
  await appear();
  const isMany = orphans.length > Math.max(ALWAYS, keys * SHARE);
  if (isMany && !acceptRemovals) return { keptKeys: orphans.length };
  for (const row of orphans) await takeOff(row);
  return { keptKeys: 0 };

  /** Removes keys of groups that do not exist and keys that are not memberships: written outside the bridge. */
  function strays({ confirmed }: Row): readonly string[] {
    return Object.entries(confirmed ?? {}).flatMap(([key, value]) => {
      const group = groupOf(key);
      return group !== undefined && (value !== MEMBER || !directory.has(group)) ? [key] : [];
    });
  }

  /** Lists are used only for a row that has no writer. */
  async function takeRights(row: Row, held: Facts): Promise<Row> {
    if (row.confirmed === null || !isIdle(row) || textOf(row.confirmed) === textOf(held)) return row;
    const now = await updateRow(store, unique, row, (each) =>
      each.version === row.version ? (withRights(each, held, asked, timing) ?? each) : each,
    );
    return now ?? row;
  }

  function isRetired(row: Row): boolean {
    const { org, projects } = rightsOfFacts(row.confirmed ?? {});
    return retired.some(({ project, role }) =>
      (project === null ? org : (projects.get(project)?.roles ?? [])).includes(role),
    );
  }

  async function takeOff(key: Key): Promise<void> {
    await updateRow(store, unique, key, (row) => {
      const gone = strays(row);
      if (!isIdle(row) || gone.length === 0) return row;
      const facts = Object.fromEntries(gone.map((key) => [key, null]));
      return schedule(addBridgeChange(row, { facts, at: clock(), rights: book.active() }), clock());
    });
    wake.at(clock());
  }

  /** Unresolved members whose user exists now join; those that never appeared are dropped. */
  async function appear(): Promise<void> {
    for (const { id, definition } of directory.all()) {
      if (definition.pending.length === 0) continue;
      const deadline = clock() + timing.answerWithinMs;
      const there: string[] = [];
      for (const { value } of definition.pending)
        if ((await store.read({ tenant, id: value }))?.confirmed != null) there.push(value);
      const isOver = ({ value, at }: { readonly value: string; readonly at: number }): boolean =>
        there.includes(value) || clock() - at > PENDING_KEEP;
      if (!definition.pending.some(isOver)) continue;
      try {
        const request = { ctx, group: id, deadline, begun: true };
        await changeMembers(members, request, new Map(there.map((value) => [value, true])));
        await changeDefinition(groups, { ctx, id, deadline }, (now) => ({
          ...now,
          pending: now.pending.filter((each) => !isOver(each)),
        }));
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error; // the next sweep tries again
      }
    }
  }
}
