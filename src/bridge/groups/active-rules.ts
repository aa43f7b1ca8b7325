/** The active rules: a row among the groups, copied to the group store; SCIM determines which groups they match. */
import { stableJson } from '../../mapping/codecs.ts';
import { RULES_KEY } from '../../mapping/groups.ts';
import {
  applied,
  bind,
  createsOf,
  finished,
  NO_RULES,
  offRules,
  projectsOf,
  unbind,
  wanted,
} from '../../mapping/rules/rules.ts';
import { type Named, type Rule, type RuleSet } from '../../mapping/rules/types.ts';
import type { Clock } from '../ports/context.ts';
import type { Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import type { RightsRules } from '../delivery/rights.ts';
import { baseFacts, newChange, nextRevision } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import { enqueue, rewrite, trustOnly, withdraw } from '../row/transitions.ts';
import { insertRow, updateRow } from '../row/update-row.ts';
import { RULES_ID } from './definitions.ts';

/** The entry in `Row.trusted` of a definition, or of the rules, that came by SCIM or `groups apply`. */
export const TRUSTED_DISPLAY_NAME = 'said' as const;
/** The same for its externalId alone. */
export const TRUSTED_EXTERNAL_ID = 'said-externalId' as const;
/** The entry of a definition that the rules have evaluated. */
export const EVALUATED = 'looked-at';

export interface ActiveRules extends RightsRules {
  /** whether rules grant and revoke rights here */
  active(): boolean;
  set(): RuleSet;
  /** why rules grant nothing, by place */
  off(): ReadonlyMap<number, string>;
  /** whether the active rules differ from those in bridge.yaml */
  differs(): boolean;
  /** Loads the rules from the store; false: it has none. */
  load(): Promise<boolean>;
  /** Activates the rules of bridge.yaml as the first set. Until applied, it revokes only what it granted itself. */
  begin(): Promise<void>;
  /** Binds rules to a group's name; returns whether anything changed. Durable when it resolves. */
  look(group: Named): Promise<boolean>;
  /** The group was deleted. */
  forget(group: string): Promise<void>;
  /** places of the rules that grant nothing; the same object until that changes */
  offPlaces(): ReadonlySet<number>;
  /** The rule set that `groups apply` would activate. */
  next(groups: readonly Named[]): RuleSet;
  /** Which rules of a set could not be applied, by place. Throws BridgeError 503 while ZITADEL is unreachable. */
  offOf(set: RuleSet): Promise<ReadonlySet<number>>;
  /** Activates a rule set. */
  put(set: RuleSet): Promise<void>;
  /** No user has rights any more that only an earlier set managed. */
  finish(): Promise<void>;
  /** Asks ZITADEL which rules can be applied. Throws BridgeError 503 while it is unreachable. */
  check(): Promise<void>;
  /** whether ZITADEL was ever asked */
  checked(): boolean;
  listedAt(at: number): void;
}

export interface ActiveRulesOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'catalogue'>;
  readonly rules: readonly Rule[];
  /** users whose rights no rule changes */
  readonly spares: (id: string) => boolean;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** called when the set of rules that grant nothing has changed */
  readonly onOff?: (off: ReadonlyMap<number, string>) => void;
}

export function createActiveRules(options: ActiveRulesOptions): ActiveRules {
  const { tenant, unique, store, zitadel, scheduler: wake, clock } = options;
  const key = { tenant: groupsOf(tenant), id: RULES_ID };
  let set: RuleSet = NO_RULES;
  let off: ReadonlyMap<number, string> = new Map();
  let offPlaces: ReadonlySet<number> = new Set();
  let isTrusted = true;
  let listed = 0;
  let isChecked = false;
  /** writes are serialised: each builds on the previous one */
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  }

  /** Writes the result of `make` on the current set, including other processes' writes; false: there was no change. */
  async function save(make: (set: RuleSet) => RuleSet): Promise<boolean> {
    const at = clock();
    let next = set;
    const wish = (row: Row): Row => {
      const stored = setOf(baseFacts(row)?.[RULES_KEY] ?? '') ?? set;
      next = make(isTrusted ? stored : set);
      if (next === stored && row.trusted.includes(TRUSTED_DISPLAY_NAME)) return row;
      const kind = row.confirmed === null ? 'create' : 'edit';
      // size matters: a metadata value in ZITADEL has at most 500,000 bytes
      const facts = { [RULES_KEY]: JSON.stringify(next) };
      const change = newChange(
        { tenant, who: 'bridge', txn: 'rules' },
        { revision: nextRevision(row), kind, facts, named: [], at },
      );
      // replaces changes that were not sent yet
      const others = row.calling === null && !row.doubt ? withdraw(row, () => true) : row;
      return enqueue(trustOnly(others, [TRUSTED_DISPLAY_NAME]), change, at);
    };
    if ((await updateRow(store, unique, key, wish, true)) === undefined) {
      await insertRow(store, unique, key, at, (row) => wish(row));
      await updateRow(store, unique, key, rewrite, true);
    }
    const isNew = next !== set;
    set = next;
    isTrusted = true;
    if (isNew) wake.at(at);
    return isNew;
  }

  const changeTo = (make: (set: RuleSet) => RuleSet): Promise<boolean> =>
    inTurn(async () => (make(set) === set ? false : save(make)));

  const isOfFile = (): boolean => stableJson(set.rules) === stableJson(options.rules);

  async function load(): Promise<boolean> {
    const row = await store.read(key);
    const json = row === undefined ? undefined : baseFacts(row)?.[RULES_KEY];
    const read = json === undefined ? undefined : setOf(json);
    if (read === undefined) return false;
    set = read;
    if (row?.trusted.includes(TRUSTED_DISPLAY_NAME) === true) return true;
    // anyone who may write users may have written it: existing rights are kept, whatever it says
    set = unconfirmed(read);
    isTrusted = false;
    if (isOfFile()) await save(() => set);
    return true;
  }

  return {
    active: () => set.rules.length + set.retired.length > 0,
    set: () => set,
    off: () => off,
    differs: () => !isOfFile(),
    // untrusted rules neither grant nor revoke
    wanted: (held, memberships, given) => (isTrusted ? wanted(set, held, memberships, offPlaces, given) : held),
    spares: options.spares,
    keepsGiven: () => set.first === true,
    creates: (project) => createsOf(set, project),
    listed: () => listed,
    checked: () => isChecked,
    listedAt: (at) => void (listed = at),
    load: () => inTurn(load),
    begin: () =>
      inTurn(async () => {
        if (options.rules.length > 0) await save(() => ({ ...NO_RULES, rules: options.rules, first: true }));
      }),
    look: (group) => (isTrusted ? changeTo((now) => bind(now, group)) : Promise.resolve(false)),
    async forget(group) {
      await changeTo((now) => unbind(now, group));
    },
    offPlaces: () => offPlaces,
    offOf: async ({ rules }) => new Set(offRules(rules, await zitadel.catalogue(projectsOf(rules))).keys()),
    next: (groups) => applied(set, options.rules, groups),
    put: (next) => inTurn(async () => void (await save(() => next))),
    async finish() {
      await changeTo(finished);
    },
    async check() {
      const catalogue = await zitadel.catalogue(projectsOf(set.rules));
      const found = offRules(set.rules, catalogue);
      const isNew = stableJson([...found]) !== stableJson([...off]);
      off = found;
      isChecked = true;
      offPlaces = new Set(found.keys());
      if (isNew) options.onOff?.(found);
    },
  };
}

function setOf(json: string): RuleSet | undefined {
  try {
    const { rules, bindings, retired, first } = JSON.parse(json) as RuleSet;
    const isSet = Array.isArray(rules) && Array.isArray(retired) && typeof bindings === 'object';
    return isSet ? { rules, bindings, retired, ...(first === true && { first }) } : undefined;
  } catch {
    return undefined;
  }
}

const unconfirmed = (set: RuleSet): RuleSet => ({
  ...set,
  retired: [],
  bindings: Object.fromEntries(
    Object.entries(set.bindings).map(([match, groups]) => [match, groups.map((each) => ({ ...each, vouched: false }))]),
  ),
});
