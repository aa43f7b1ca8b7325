/** The groups of one tenant at work: definitions, memberships, rules, and what operators ask of them. */
import type { Rule, RuleSet } from '../../mapping/rules.ts';
import type { Gate } from '../gate.ts';
import { createHandOver, type HandOver } from '../hand-over.ts';
import type { Exclusive } from '../exclusive.ts';
import { createOperate, type Operate } from '../operate.ts';
import type { GroupsOperator } from '../operator.ts';
import { createNames } from '../names.ts';
import type { Peers } from '../peers.ts';
import type { Clock, Ids, Store, Unique, Wake, Write, Zitadel } from '../ports.ts';
import type { Reconcile, Target } from '../reconcile.ts';
import type { Settlements } from '../settlements.ts';
import { groupsOf } from '../shelves.ts';
import type { Timing } from '../timing.ts';
import type { Groups } from '../use-cases.ts';
import type { View } from '../view.ts';
import { RULES_ID } from './definitions.ts';
import { createDefinitionWrites } from './definition-writes.ts';
import { createDeletions } from './deletions.ts';
import type { ScanLine } from '../scan-line.ts';
import type { Directory } from './directory.ts';
import { createGroups } from './groups.ts';
import { syncHolder } from './holder-sync.ts';
import { holderTarget } from './holder-target.ts';
import { createMemberships } from './memberships.ts';
import { createGroupsOperate } from './operate.ts';
import { createRulebook, type Rulebook } from './rulebook.ts';
import { createRulesAtWork } from './rules-at-work.ts';
import { createShow } from './show.ts';
import { tidy, type Tidied } from './tidy.ts';

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
  readonly exclusive: Exclusive;
  readonly peers: Peers;
  readonly zitadel: Zitadel;
  readonly view: View;
  readonly gate: Gate;
  readonly directory: Directory;
  /** scans of the tenant */
  readonly scans: ScanLine;
  /** of the tenant's users */
  readonly handOver: HandOver;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly whenDown: 'accept' | 'refuse';
  readonly owedMax: number;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
  /** whose rights no rule touches */
  readonly spares: (id: string) => boolean;
  readonly onOff: (off: ReadonlyMap<number, string>) => void;
}

export interface TenantGroups {
  readonly groups: Groups;
  readonly book: Rulebook;
  readonly target: Target;
  readonly operator: GroupsOperator;
  /** what operators do to the rows of groups */
  readonly operate: Operate;
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
  const { id: tenant, store, zitadel, directory, gate, whenDown, clock, config } = options;
  const shelf = groupsOf(tenant);
  const unique: Unique = {
    instance: options.unique.instance,
    externalId: false,
    displayName: options.uniqueDisplayName,
  };
  const target: Target = {
    zitadel: holderTarget(zitadel),
    unique,
    bar: async () => undefined,
    gate,
    whenDown,
  };
  const book = createRulebook({ ...options, tenant, unique, rules: config.rules });
  const rules = createRulesAtWork({ ...options, tenant, groupsUnique: unique, book });
  const heldBy = createNames({ ...options, tenant });
  const memberships = createMemberships({ ...options, tenant, heldBy, givesRights: book.active });
  const definitions = createDefinitionWrites({
    tenant,
    store,
    clock,
    handOver: createHandOver({ ...options, unique, forbids: () => undefined }),
  });
  const deletions = createDeletions({ ...options, tenant, definitions, memberships, rules });
  const show = createShow(tenant, store, directory);
  const parts = { ...options, tenant, definitions, memberships, rules, deletions, show, book };
  const operator = createGroupsOperate({ ...parts, groupsUnique: unique });
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
    operate: createOperate({
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
      await syncHolder({ ...options, tenant, unique, onDeleting: deletions.begun });
      if (!isRead && !(await book.load())) await book.begin();
      if (book.active() && !book.checked()) await book.check();
      isRead = true;
    },
    async conclude(acceptRemovals) {
      const tidied = await tidy(parts, acceptRemovals);
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
