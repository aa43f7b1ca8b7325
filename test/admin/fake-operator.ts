/** An operator's port over rows in memory. */
import { BridgeError } from '../../src/errors.ts';
import type {
  Done,
  Explanation,
  GroupsOperator,
  Operator,
  PlannedUser,
  QueueDetail,
  QueueEntry,
  RuleStanding,
  RulesState,
  TenantState,
} from '../../src/bridge/ports/operator.ts';
import type { Counts, Condition } from '../../src/bridge/ports/store.ts';
import type { Inspection } from '../../src/bridge/ports/zitadel.ts';
import type { SyncEvent } from '../../src/bridge/tenant.ts';
import type { TenantSetup } from '../../src/admin/desk.ts';

export const NOW = Date.parse('2026-03-01T12:00:00Z');
export const MINUTE = 60_000;
export const DAY = 86_400_000;

/** A row: what `queue list` shows of it and, when given, what `queue show` adds. */
export type FakeRow = Partial<QueueDetail> & { readonly id: string; readonly conditions: readonly Condition[] };

export interface FakeOperator extends Operator {
  /** what was asked of it, in order: `retry u1` */
  readonly asked: string[];
  readonly rows: FakeRow[];
  /** fails every method with 503 while set */
  broken?: string | undefined;
  /** changes what state() tells */
  tells: Partial<TenantState>;
  sees: Inspection;
  /** what sync does */
  syncs: (options: { readonly acceptRemovals: boolean }) => Promise<SyncEvent>;
  /** how the rules stand */
  rules: RulesState;
  /** users of whom the rules can be explained, and what an apply would change */
  readonly explained: Explanation[];
  readonly planned: PlannedUser[];
  /** what apply does */
  applies: GroupsOperator['apply'];
}

export const EXPLAINED: Explanation = {
  id: 'u1',
  memberships: [],
  unresolved: [],
  rights: [],
  off: [],
  blocked: null,
  protected: false,
};

export const RULE: RuleStanding = { rule: 1, text: 'displayName "Help desk*" gives ORG_USER_MANAGER', groups: ['g1'] };
export const RULES: RulesState = { rules: [RULE], differs: false, first: false, unconfirmed: [], applying: null };

export const SEEN: Inspection = {
  user: { id: '300', name: 'scim-bridge' },
  organization: { id: '400', name: 'Acme', state: 'active' },
  permissions: ['org.read', 'user.read', 'user.write', 'user.delete', 'policy.read'],
  clockSkew: 120,
  sees: { instanceRoles: true, organizationRoles: true },
  problems: [],
};

export const SYNCED: SyncEvent = {
  kind: 'finished',
  ms: 40,
  keptKeys: 0,
  users: 7,
  changed: 1,
  removed: 0,
  kept: 0,
  hidden: 0,
};

export function fakeOperator(tenant: string, ...rows: FakeRow[]): FakeOperator {
  const up = (): void => {
    if (fake.broken !== undefined) throw new BridgeError(503, fake.broken, { retryAfter: 1 });
  };
  const rowOf = (id: string): FakeRow => {
    up();
    const row = fake.rows.find((each) => each.id === id);
    if (row === undefined) throw new BridgeError(404, `there is no user ${id}`);
    return row;
  };
  /** Takes the row out of the troubles it can be taken out of. */
  const settle = (verb: string, id: string, conditions: readonly Condition[], told: string): Done => {
    const row = rowOf(id);
    fake.asked.push(`${verb} ${id}`);
    const left = row.conditions.filter((condition) => !conditions.includes(condition));
    if (left.length === row.conditions.length) throw new BridgeError(409, `nothing of ${id} can be settled by ${verb}`);
    fake.rows[fake.rows.indexOf(row)] = { ...row, conditions: left };
    return { rows: 1, told };
  };
  const fake: FakeOperator = {
    asked: [],
    rows,
    tells: {},
    sees: SEEN,
    syncs: async () => SYNCED,
    rules: RULES,
    explained: [],
    planned: [],
    applies: async () => ({ rows: 0, told: 'nothing to change' }),
    async state() {
      up();
      const counts: Record<keyof Counts, number> = {
        rows: fake.rows.length,
        pending: 0,
        inDoubt: 0,
        deadLetter: 0,
        onHold: 0,
        blocked: 0,
        hidden: 0,
      };
      for (const { conditions } of fake.rows) for (const condition of conditions) counts[condition] += 1;
      return {
        tenant,
        organization: '400',
        counts,
        oldestPending: undefined,
        damaged: [],
        storeFailing: undefined,
        durability: undefined,
        unavailable: undefined,
        sync: { finished: NOW - MINUTE, running: false, last: SYNCED },
        deliveries: [],
        ...fake.tells,
      };
    },
    async list(condition, limit, after = '') {
      up();
      return fake.rows
        .filter(({ id, conditions }) => conditions.includes(condition) && id > after)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map((row) => entry(tenant, row));
    },
    show: async (id) => {
      const row = rowOf(id);
      return { zitadel: 'found', wish: 'edit', differences: [], ...entry(tenant, row), ...row };
    },
    recreate: async (id) => settle('recreate', id, ['hidden'], 'created again under the id n1'),
    retry: async (id) => settle('retry', id, ['pending', 'inDoubt', 'deadLetter', 'blocked'], 'tried now'),
    drop: async (id) => settle('drop', id, ['deadLetter', 'onHold'], 'forgotten'),
    release: async (id) => settle('release', id, ['onHold'], 'released'),
    sync: async (options) => {
      up();
      fake.asked.push(`sync ${String(options.acceptRemovals)}`);
      return fake.syncs(options);
    },
    inspect: async () => fake.sees,
    groups: {
      async state() {
        up();
        return fake.rules;
      },
      async explain(user) {
        up();
        const found = fake.explained.find(({ id }) => id === user);
        if (found === undefined) throw new BridgeError(404, `there is no user ${user}`);
        return found;
      },
      async *plan() {
        up();
        yield* fake.planned;
      },
      async apply(onProgress, signal) {
        up();
        fake.asked.push('apply');
        return fake.applies(onProgress, signal);
      },
    },
  };
  return fake;
}

function entry(tenant: string, row: FakeRow): QueueEntry {
  const {
    id,
    conditions,
    pending: changes = [],
    deadLetters: dead = [],
    attempts = 0,
    dueAt = null,
    lastError = null,
    blocked = null,
  } = row;
  return { tenant, id, conditions, pending: changes, deadLetters: dead, attempts, dueAt, lastError, blocked };
}

export const change = (facts: readonly string[], at: number, more: Partial<QueueEntry['pending'][number]> = {}) => ({
  revision: 3,
  kind: 'edit' as const,
  acknowledged: true,
  who: 'okta',
  txn: 'txn-1',
  at,
  facts,
  onHold: false,
  ...more,
});

export const deadLetter = (reason: string, at: number, more: Partial<QueueEntry['deadLetters'][number]> = {}) => ({
  revision: 2,
  kind: 'edit' as const,
  cause: 'refused' as const,
  reason,
  who: 'okta',
  txn: 'txn-0',
  at,
  deadAt: at + MINUTE,
  facts: ['email'],
  ...more,
});

export const setup = (id: string, more: Partial<TenantSetup> = {}): TenantSetup => ({
  id,
  tokens: [{ name: 'okta' }],
  zitadel: { url: 'https://id.example.com' },
  passwords: 'ignore',
  protect: [],
  ...more,
});
