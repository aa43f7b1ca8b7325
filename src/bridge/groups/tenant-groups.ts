import type { Rule, RuleSet } from '../../mapping/rules/types.ts';
import type { Lock } from '../delivery/exclusive.ts';
import type { Target } from '../delivery/target.ts';
import { createQueueActions, type QueueActions } from '../operator/queue-actions.ts';
import type { GroupsOperator } from '../ports/operator.ts';
import type { Write } from '../ports/store.ts';
import { createReplays } from '../requests/replay.ts';
import type { SubmitContext } from '../requests/submit.ts';
import type { Groups } from '../requests/use-cases.ts';
import type { UserContext } from '../requests/user-context.ts';
import { groupsOf } from '../row/kinds.ts';
import type { Unique } from '../row/types.ts';
import { type ActiveRules, createActiveRules } from './active-rules.ts';
import { tidyAfterSweep, type Tidied } from './after-sweep.ts';
import { RULES_ID } from './definitions.ts';
import { type DeletionContext, finishDeletions } from './deletions.ts';
import type { Directory } from './directory.ts';
import { createGroupLocks } from './group-locks.ts';
import { syncGroupStore } from './group-store-sync.ts';
import { createIdList } from './id-list.ts';
import { groupStoreTarget } from './group-store-target.ts';
import { createGroupViews } from './group-views.ts';
import { createGroups } from './groups.ts';
import type { MembershipContext } from './membership-changes.ts';
import { createRuleActions } from './rule-actions.ts';
import { createRuleEvaluation } from './rule-evaluation.ts';

/** Groups whose bindings have changed. */
function boundAnew(before: RuleSet['bindings'], after: RuleSet['bindings']): readonly string[] {
  const texts = (bindings: RuleSet['bindings']): ReadonlyMap<string, string> =>
    new Map(
      Object.entries(bindings).flatMap(([match, groups]) => groups.map((each) => [match + each.group, each.group])),
    );
  const [old, now] = [texts(before), texts(after)];
  return [...new Set([...now].flatMap(([text, group]) => (old.has(text) ? [] : [group])))];
}

/** The group settings of bridge.yaml. */
export interface GroupsConfig {
  readonly strictMembers: boolean;
  readonly applyOnStart: boolean;
  readonly rules: readonly Rule[];
}

export interface TenantGroupsOptions {
  readonly users: UserContext;
  readonly uniqueDisplayName: boolean;
  readonly config: GroupsConfig;
  readonly lock: Lock;
  readonly directory: Directory;
  /** users whose rights no rule changes */
  readonly spares: (id: string) => boolean;
  readonly onOff: (off: ReadonlyMap<number, string>) => void;
}

export interface TenantGroups {
  readonly groups: Groups;
  readonly book: ActiveRules;
  readonly target: Target;
  readonly operator: GroupsOperator;
  /** operator actions on group rows */
  readonly operate: QueueActions;
  /** Loads the store's content; before anything is served. */
  open(): Promise<void>;
  /** Which rules can be applied; every process needs this. Throws BridgeError 503 while ZITADEL is unreachable. */
  refresh(): Promise<void>;
  /** Runs before the users are read. Throws BridgeError 503 while ZITADEL is unreachable. */
  prepare(): Promise<void>;
  /** Runs once the users were read. */
  conclude(acceptRemovals: boolean): Promise<Tidied>;
  written(write: Write): void;
  /** Resolves when nothing is running any more. */
  stop(): Promise<void>;
}

export function createTenantGroups(options: TenantGroupsOptions): TenantGroups {
  const { users, directory, lock, config } = options;
  const { requests, scans } = users;
  const { tenant, store, availability, whenDown } = requests;
  const { zitadel } = users.view;
  const shelf = groupsOf(tenant);
  const unique: Unique = {
    instance: users.unique.instance,
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
  const book = createActiveRules({
    ...requests,
    zitadel,
    unique,
    rules: config.rules,
    spares: options.spares,
    onOff: options.onOff,
  });
  const rules = createRuleEvaluation({ ...requests, lock, book, unique: users.unique, groupsUnique: unique });
  const members: MembershipContext = { users, givesRights: book.active };
  const groups: SubmitContext = {
    requests,
    unique,
    hasRoom: users.hasRoom,
    refusalFor: () => undefined,
    holderOf: (holder) => store.read(holder),
  };
  const deletions: DeletionContext = {
    groups,
    members,
    rules,
    list: createIdList(store, lock, `deleting:${tenant}`),
    running: new Set(),
  };
  const operator = createRuleActions({ ...requests, groupsUnique: unique, book, rules, directory });
  let isWatched = false;
  let isRead = false;
  const ending = new AbortController();
  let applying: Promise<unknown> | undefined;

  /** The rules of bridge.yaml differ from the active ones, or were not applied completely. */
  async function isToApply(): Promise<boolean> {
    return book.differs() || (await operator.state()).applying !== null;
  }

  async function reload(id: string): Promise<void> {
    if (id !== RULES_ID) return directory.reload(id);
    const before = book.set().bindings;
    isRead = (await book.load()) || isRead;
    // until now this process delivered by the previous set
    await rules.review(boundAnew(before, book.set().bindings));
  }

  return {
    groups: createGroups({
      groups,
      members,
      directory,
      rules,
      deletions,
      scans,
      views: createGroupViews(tenant, store, directory),
      locks: createGroupLocks(tenant, lock),
      replays: createReplays(requests, unique),
      strictMembers: config.strictMembers,
    }),
    book,
    target,
    operator,
    operate: createQueueActions({
      ...requests,
      tenant: shelf,
      unique,
      zitadel: target.zitadel,
      refresh: async () => undefined,
    }),
    async open() {
      await directory.load(await deletions.list.all());
      isRead = await book.load();
      // a row that cannot be read now is read at its next write, or at the next start
      if (!isWatched) store.watch?.(shelf, (id) => void reload(id).catch(() => undefined));
      isWatched = true;
    },
    async refresh() {
      if (book.active()) await book.check();
    },
    async prepare() {
      await syncGroupStore({ ...requests, zitadel, directory, unique, onDeleting: deletions.list.add });
      if (!isRead && !(await book.load())) await book.begin();
      if (book.active() && !book.checked()) await book.check();
      isRead = true;
    },
    async conclude(acceptRemovals) {
      const tidied = await tidyAfterSweep(
        { ...requests, unique: users.unique, zitadel, directory, groups, members, book, rules },
        acceptRemovals,
      );
      await rules.resume();
      await finishDeletions(deletions);
      if (config.applyOnStart && applying === undefined && (await isToApply()))
        applying = operator
          .apply(() => undefined, ending.signal)
          .catch(() => undefined) // it continues after the next sync
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
