/** The rules in force: kept as a row among the groups, so on the holder too; what a group is bound to follows what SCIM says of it. */
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

/** What stands in `Row.vouched` of a definition, or of the rules, that came by SCIM or `groups apply`. */
export const TRUSTED_DISPLAY_NAME = 'said' as const;
/** The same of its externalId alone. */
export const TRUSTED_EXTERNAL_ID = 'said-externalId' as const;
/** A definition that the rules have looked at. */
export const EVALUATED = 'looked-at';

export interface ActiveRules extends RightsRules {
  /** rules give and take rights here */
  active(): boolean;
  set(): RuleSet;
  /** why rules give nothing, by place */
  off(): ReadonlyMap<number, string>;
  /** the set in force is not the one of bridge.yaml */
  differs(): boolean;
  /** Takes what the store has; false: it has none. */
  load(): Promise<boolean>;
  /** The rules of bridge.yaml are in force: there were none. Until they are applied they take nothing away that they did not give. */
  begin(): Promise<void>;
  /** What the name of a group makes of the bindings; whether anything changed. Durable when it resolves. */
  look(group: Named): Promise<boolean>;
  /** The group is gone. */
  forget(group: string): Promise<void>;
  /** places of the rules that give nothing; the same object as long as it is so */
  offPlaces(): ReadonlySet<number>;
  /** The set that `groups apply` would put in force. */
  next(groups: readonly Named[]): RuleSet;
  /** Which rules of a set could not be carried out, by place. Throws BridgeError 503 when ZITADEL is away. */
  offOf(set: RuleSet): Promise<ReadonlySet<number>>;
  /** Puts a set in force. */
  put(set: RuleSet): Promise<void>;
  /** Nobody holds what only an earlier set managed. */
  finish(): Promise<void>;
  /** Asks ZITADEL which rules can be carried out. Throws BridgeError 503 when it is away. */
  check(): Promise<void>;
  /** whether it was ever asked */
  checked(): boolean;
  listedAt(at: number): void;
}

export interface ActiveRulesOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'catalogue'>;
  readonly rules: readonly Rule[];
  /** whose rights no rule touches */
  readonly spares: (id: string) => boolean;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** which rules give nothing has changed */
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
  /** one write after the other: each builds on the one before */
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  }

  /** Writes what `make` makes of the set as it is by then, other processes' writes included; false: nothing was to be written. */
  async function save(make: (set: RuleSet) => RuleSet): Promise<boolean> {
    const at = clock();
    let next = set;
    const wish = (row: Row): Row => {
      const stored = setOf(baseFacts(row)?.[RULES_KEY] ?? '') ?? set;
      next = make(isTrusted ? stored : set);
      if (next === stored && row.trusted.includes(TRUSTED_DISPLAY_NAME)) return row;
      const kind = row.confirmed === null ? 'create' : 'edit';
      // every byte of it counts: a value of ZITADEL's metadata has at most 500,000
      const facts = { [RULES_KEY]: JSON.stringify(next) };
      const change = newChange(
        { tenant, who: 'bridge', txn: 'rules' },
        { revision: nextRevision(row), kind, facts, named: [], at },
      );
      // what was not sent yet is overtaken
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
    // anybody who may write users may have written it: it keeps what is held, whatever it says
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
    // what somebody may have written gives nothing and takes nothing
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
