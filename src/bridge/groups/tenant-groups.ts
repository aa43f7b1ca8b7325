import type { Rule, RuleSet } from '../../mapping/rules/types.ts';
import type { TenantAvailability } from '../delivery/tenant-availability.ts';
import { createSubmit, type Submit } from '../requests/submit.ts';
import type { Lock } from '../delivery/exclusive.ts';
import { createQueueActions, type QueueActions } from '../operator/queue-actions.ts';
import type { GroupsOperator } from '../ports/operator.ts';
import { createNames } from '../requests/unique-names.ts';
import type { Peers } from '../ports/peers.ts';
import type { Clock, Ids } from '../ports/context.ts';
import type { Store, Write } from '../ports/store.ts';
import type { Unique } from '../row/types.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import type { Deliver, Target } from '../delivery/target.ts';
import type { Waiters } from '../delivery/waiters.ts';
import { groupsOf } from '../row/kinds.ts';
import type { Timing } from '../timing.ts';
import type { Groups } from '../requests/use-cases.ts';
import type { View } from '../requests/read-users.ts';
import { RULES_ID } from './definitions.ts';
import { createDefinitionChanges } from './definition-changes.ts';
import { createDeletions } from './deletions.ts';
import type { ScanLine } from '../requests/scan-queue.ts';
import type { Directory } from './directory.ts';
import { createGroups } from './groups.ts';
import { syncGroupStore } from './group-store-sync.ts';
import { groupStoreTarget } from './group-store-target.ts';
import { createMembershipChanges } from './membership-changes.ts';
import { createRuleActions } from './rule-actions.ts';
import { createActiveRules, type ActiveRules } from './active-rules.ts';
import { createRuleEvaluation } from './rule-evaluation.ts';
import { createGroupViews } from './group-views.ts';
import { tidyAfterSweep, type Tidied } from './after-sweep.ts';

/** Groups that are bound otherwise than before. */
function boundAnew(before: RuleSet['bindings'], after: RuleSet['bindings']): readonly string[] {
  const texts = (bindings: RuleSet['bindings']): ReadonlyMap<string, string> =>
    new Map(
      Object.entries(bindings).flatMap(([match, groups]) => groups.map((each) => [match + each.group, each.group])),
    );
  const [old, now] = [texts(before), texts(after)];
  return [...new Set([...now].flatMap(([text, group]) => (old.has(text) ? [] : [group])))];
}

/** What bridge.yaml says of groups. */
export interface GroupsConfig {
  readonly strictMembers: boolean;
  readonly applyOnStart: boolean;
  readonly rules: readonly Rule[];
}

export interface TenantGroupsOptions {
  readonly id: string;
  /** of the tenant's users */
  readonly unique: Unique;
  readonly uniqueDisplayName: boolean;
  readonly config: GroupsConfig;
  readonly store: Store;
  readonly lock: Lock;
  readonly peers: Peers;
  readonly zitadel: Zitadel;
  readonly view: View;
  readonly availability: TenantAvailability;
  readonly directory: Directory;
  /** scans of the tenant */
  readonly scans: ScanLine;
  /** of the tenant's users */
  readonly submit: Submit;
  readonly deliver: Deliver;
  readonly waiters: Waiters;
  readonly whenDown: 'accept' | 'refuse';
  readonly maxPending: number;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
  /** whose rights no rule touches */
  readonly spares: (id: string) => boolean;
  readonly onOff: (off: ReadonlyMap<number, string>) => void;
}

export interface TenantGroups {
  readonly groups: Groups;
  readonly book: ActiveRules;
  readonly target: Target;
  readonly operator: GroupsOperator;
  /** what operators do to the rows of groups */
  readonly operate: QueueActions;
  /** Takes what the store has; before anything is served. */
  open(): Promise<void>;
  /** Which rules can be carried out; each process has to know. Throws BridgeError 503 while ZITADEL is away. */
  refresh(): Promise<void>;
  /** Before the users are read. Throws BridgeError 503 while ZITADEL is away. */
  prepare(): Promise<void>;
  /** Once the users were read. */
  conclude(acceptRemovals: boolean): Promise<Tidied>;
  written(write: Write): void;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

export function createTenantGroups(options: TenantGroupsOptions): TenantGroups {
  const { id: tenant, store, zitadel, directory, availability, whenDown, clock, config } = options;
  const shelf = groupsOf(tenant);
  const unique: Unique = {
    instance: options.unique.instance,
    externalId: false,
    displayName: options.uniqueDisplayName,
  };
  const target: Target = {
    zitadel: groupStoreTarget(zitadel),
    unique,
    checkProtection: async () => undefined,
    availability,
    whenDown,
  };
  const book = createActiveRules({ ...options, tenant, unique, rules: config.rules });
  const rules = createRuleEvaluation({ ...options, tenant, groupsUnique: unique, book });
  const heldBy = createNames({ ...options, tenant });
  const memberships = createMembershipChanges({ ...options, tenant, heldBy, givesRights: book.active });
  const definitions = createDefinitionChanges({
    tenant,
    store,
    clock,
    submit: createSubmit({ ...options, unique, refusalFor: () => undefined }),
  });
  const deletions = createDeletions({ ...options, tenant, definitions, memberships, rules });
  const show = createGroupViews(tenant, store, directory);
  const parts = { ...options, tenant, definitions, memberships, rules, deletions, show, book };
  const operator = createRuleActions({ ...parts, groupsUnique: unique });
  let isWatched = false;
  let isRead = false;
  const ending = new AbortController();
  let applying: Promise<unknown> | undefined;

  /** The rules of bridge.yaml are others than those in force, or were not applied to the end. */
  async function isToApply(): Promise<boolean> {
    return book.differs() || (await operator.state()).applying !== null;
  }

  async function reload(id: string): Promise<void> {
    if (id !== RULES_ID) return directory.reload(id);
    const before = book.set().bindings;
    isRead = (await book.load()) || isRead;
    // what this process delivered meanwhile it delivered by the set before
    await rules.review(boundAnew(before, book.set().bindings));
  }

  return {
    groups: createGroups({ ...parts, unique, strictMembers: config.strictMembers }),
    book,
    target,
    operator,
    operate: createQueueActions({
      ...options,
      tenant: shelf,
      unique,
      zitadel: target.zitadel,
      refresh: async () => undefined,
    }),
    async open() {
      await directory.load(await deletions.under());
      isRead = await book.load();
      // a row that cannot be read now is read when it is written next, or at the next start
      if (!isWatched) store.watch?.(shelf, (id) => void reload(id).catch(() => undefined));
      isWatched = true;
    },
    async refresh() {
      if (book.active()) await book.check();
    },
    async prepare() {
      await syncGroupStore({ ...options, tenant, unique, onDeleting: deletions.begun });
      if (!isRead && !(await book.load())) await book.begin();
      if (book.active() && !book.checked()) await book.check();
      isRead = true;
    },
    async conclude(acceptRemovals) {
      const tidied = await tidyAfterSweep(parts, acceptRemovals);
      await rules.resume();
      await deletions.finish();
      if (config.applyOnStart && applying === undefined && (await isToApply()))
        applying = operator
          .apply(() => undefined, ending.signal)
          .catch(() => undefined) // it goes on after the next sync
          .finally(() => {
            applying = undefined;
          });
      return tidied;
    },
    async stop() {
      ending.abort();
      await applying;
    },
    written: (write) => directory.written(write),
  };
}
