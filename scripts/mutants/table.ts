/** THE MUTANTS TABLE: one-line faults, each of a promise that tests have to guard. */

export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** stands in the file exactly once */
  readonly find: string;
  readonly replace: string;
  /** one of them has to fail; run in this order until one does */
  readonly tests: readonly string[];
}

const MODEL = 'test/bridge/model.test.ts';
const HIDDEN = 'test/end-to-end/hidden.test.ts';
const DECIDE = 'test/bridge/delivery/decide.test.ts';
const OWED = 'test/bridge/owed.test.ts';
const GROUPS = 'test/bridge/groups.model.test.ts';
const RULES = 'test/mapping/rules-laws.test.ts';
const KILL = 'test/kill/kill.long.test.ts';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'commit not awaited',
    file: 'src/store/sqlite/store.ts',
    find: 'if (wait) await durable();',
    replace: 'if (wait) void durable().catch(() => undefined);',
    tests: ['test/end-to-end/durable.test.ts'],
  },
  {
    name: 'settle ignores revision',
    file: 'src/bridge/row/settle.ts',
    find: 'const covered = row.pending.filter(({ revision }) => round.covered.has(revision));',
    replace: 'const covered = row.pending;',
    tests: [MODEL, KILL],
  },
  {
    name: 'a user that only reads have lost is gone',
    file: 'src/zitadel/reader.ts',
    find: "if (result.kind === 'ok') return { kind: 'hidden' };",
    replace: "if (result.kind === 'ok') return { kind: 'gone' };",
    tests: [HIDDEN],
  },
  {
    name: 'a hidden user in doubt is planned from known',
    file: 'src/bridge/row/transitions.ts',
    find: '({ ...change, named: Object.keys(change.facts) })',
    replace: '({ ...change })',
    tests: [HIDDEN],
  },
  {
    name: 'what was answered of a deleted user is dropped',
    file: 'src/bridge/row/transitions.ts',
    find: 'deadLetters: [...row.deadLetters, ...letters] }',
    replace: 'deadLetters: row.deadLetters }',
    tests: ['test/bridge/hidden.test.ts'],
  },
  {
    name: 'plan from known in doubt',
    file: 'src/bridge/delivery/decide.ts',
    find: "if ((stored.doubt && attempt.mark !== 'own') || isTime)",
    replace: 'if (isTime)',
    tests: [DECIDE, MODEL, KILL],
  },
  {
    name: 'lease not proved',
    file: 'src/bridge/delivery/run-steps.ts',
    find: '(await store.prove(lease, timing.leaseMs)) && waiters.sending(row, covered);',
    replace: 'waiters.sending(row, covered);',
    tests: [OWED],
  },
  {
    name: 'answered not stored',
    file: 'src/bridge/row/verdicts.ts',
    find: 'return { ...cut, acknowledged: true };',
    replace: 'return cut;',
    tests: [MODEL, KILL],
  },
  {
    name: 'tombstone skipped',
    file: 'src/bridge/row/settle.ts',
    find: 'row: tombstone(row, now), results',
    replace: 'row: null, results',
    tests: [MODEL, KILL],
  },
  {
    name: 'named facts diffed away',
    file: 'src/bridge/delivery/deliver.ts',
    find: 'const named = isFresh ? [] : row.pending.flatMap((change) => change.named);',
    replace: 'const named: string[] = [];',
    tests: [OWED],
  },
  {
    name: 'membership not vouched for',
    file: 'src/bridge/groups/membership-changes.ts',
    find: 'accept(joins ? trust(row, [group]) : row, change);',
    replace: 'accept(row, change);',
    tests: [GROUPS],
  },
  {
    name: 'rights believed in doubt',
    file: 'src/bridge/delivery/rights.ts',
    find: 'if (at === UNKNOWN_RIGHTS) return true;',
    replace: 'if (at === UNKNOWN_RIGHTS) return false;',
    tests: [GROUPS],
  },
  {
    name: 'roles of nobody taken away',
    file: 'src/mapping/rules/rules.ts',
    find: 'held.filter((role) => !own.has(role) || keeps.has(role));',
    replace: 'held.filter((role) => keeps.has(role));',
    tests: [RULES],
  },
  {
    name: 'membership that nobody vouched for gives',
    file: 'src/mapping/rules/rules.ts',
    find: 'managedOf(byVouched.filter(({ vouched: trusted }) => trusted));',
    replace: 'keeps;',
    tests: [RULES],
  },
  {
    name: 'binding outlives its group',
    file: 'src/bridge/groups/deletions.ts',
    find: 'await rules.forget(id);',
    replace: '',
    tests: [KILL],
  },
  {
    name: 'a machine counts as the last owner',
    file: 'src/zitadel/permissions.ts',
    find: " && user.type.case === 'human'",
    replace: '',
    tests: ['test/zitadel/permissions.test.ts'],
  },
  {
    name: 'a refused delete takes the PATCH beside it',
    file: 'src/bridge/requests/edit-user.ts',
    find: "kind === 'delete' && !acknowledged && abandoned !== true;",
    replace: 'false && kind && acknowledged && abandoned;',
    tests: ['test/bridge/guard.test.ts'],
  },
  {
    name: 'the first rules take what the console gave',
    file: 'src/bridge/groups/active-rules.ts',
    find: ', first: true }',
    replace: ' }',
    tests: ['test/end-to-end/groups-apply.test.ts'],
  },
  {
    name: 'what the first rules gave is not noted',
    file: 'src/bridge/delivery/rights.ts',
    find: 'if (!book.keepsGiven()) return row;',
    replace: 'if (book.keepsGiven()) return row;',
    tests: [GROUPS, 'test/end-to-end/groups-apply.test.ts'],
  },
  {
    name: 'rules touch the rights of who is protected',
    file: 'src/bridge/delivery/rights.ts',
    find: 'facts === null || book.spares(row.id)',
    replace: 'facts === null',
    tests: ['test/end-to-end/groups-guards.test.ts'],
  },
];
