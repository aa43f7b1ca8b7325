import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHECKS } from '../../src/admin/checks.ts';
import { closedStore, type Diagnosis, refusedConfiguration } from '../../src/admin/doctor.ts';
import type { RulesState } from '../../src/bridge/ports/operator.ts';
import { BridgeError } from '../../src/errors.ts';
import type { TenantSetup } from '../../src/admin/desk.ts';
import {
  DAY,
  fakeOperator,
  RULE,
  RULES,
  type FakeOperator,
  MINUTE,
  NOW,
  SEEN,
  setup,
  SYNCED,
} from './fake-operator.ts';
import { deskOf, run } from './run.ts';

/** What doctor says of a tenant that is well but for what `prepare` does. */
async function diagnose(prepare: (north: FakeOperator) => void = () => {}, more: Partial<TenantSetup> = {}) {
  const north = fakeOperator('north');
  prepare(north);
  const answer = await run(deskOf({ north }, [setup('north', more)]), 'doctor');
  const of = (name: string): Diagnosis => {
    const found = (answer.value as readonly Diagnosis[]).find((each) => each.name === name);
    assert.ok(found, name);
    return found;
  };
  return { ...answer, of };
}

test('all is well: one line for each check, nothing to do, exit 0', async () => {
  const { lines, exit } = await diagnose();
  assert.equal(lines.length, CHECKS.length);
  for (const line of lines) assert.match(line, /^ok    [a-z ]+: [^\n]+$/);
  assert.match(lines[0] ?? '', /^ok {4}config: https:\/\/id\.example\.com, 1 SCIM token, 0 protected users$/);
  assert.equal(exit, 0);
});

describe('each fault has a line with advice', () => {
  type Prepare = (north: FakeOperator) => void;
  const sees =
    (more: Partial<typeof SEEN>): Prepare =>
    (north) =>
      void (north.sees = { ...SEEN, ...more });
  const tells =
    (more: FakeOperator['tells']): Prepare =>
    (north) =>
      void (north.tells = more);
  const rules =
    (more: Partial<RulesState>): Prepare =>
    (north) =>
      void (north.rules = { ...RULES, ...more });
  const unruly: Prepare = (north) => {
    north.groups.state = () => Promise.reject(new BridgeError(503, 'the store failed'));
  };
  const unavailable = (kind: 'unreachable' | 'rateLimited' | 'suspended') =>
    tells({ unavailable: { kind, reason: 'REASON', since: NOW - MINUTE } });
  const { user: _user, ...strange } = SEEN;
  const { organization: _organization, ...homeless } = SEEN;
  const CASES: readonly (readonly [string, Diagnosis['level'], RegExp, Prepare, Partial<TenantSetup>?])[] = [
    ['store', 'fail', /disk is full/, (north) => void (north.broken = 'the disk is full')],
    ['store', 'warn', /the oldest for 16 min/, tells({ oldestPending: NOW - 16 * MINUTE })],
    ['records', 'fail', /2 damaged records: u1, u2/, tells({ damaged: ['u1', 'u2'] })],
    ['store', 'fail', /cannot store/, tells({ storeFailing: 'The bridge cannot store anything at the moment' })],
    ['store', 'ok', /the oldest for 14 min/, tells({ oldestPending: NOW - 14 * MINUTE })],
    ['deliveries', 'fail', /unreachable since 2026-03-01 11:59:00 UTC.*REASON/, unavailable('unreachable')],
    ['deliveries', 'fail', /access suspended/, unavailable('suspended')],
    ['deliveries', 'warn', /rate limited/, unavailable('rateLimited')],
    ['zitadel', 'fail', /ECONNREFUSED; no/, sees({ problems: ['ECONNREFUSED', 'no'] })],
    ['token', 'fail', /did not say which user/, (north) => void (north.sees = strange)],
    ['organization', 'warn', /not known/, (north) => void (north.sees = strange)],
    ['organization', 'fail', /does not exist/, (north) => void (north.sees = homeless)],
    [
      'organization',
      'fail',
      /Acme \(400\) is inactive/,
      sees({ organization: { id: '400', name: 'Acme', state: 'inactive' } }),
    ],
    ['organization', 'fail', /is removed/, sees({ organization: { id: '400', name: 'Acme', state: 'removed' } })],
    [
      'permissions',
      'fail',
      /missing: user\.delete \(DeleteUser\)$/,
      sees({ permissions: ['org.read', 'user.read', 'user.write'] }),
    ],
    ['permissions', 'ok', /all/, sees({ permissions: ['org.read', 'user.read', 'user.write', 'user.delete'] })],
    [
      'permissions',
      'fail',
      /policy\.read/,
      sees({ permissions: ['org.read', 'user.read', 'user.write', 'user.delete'] }),
      { passwords: 'set' },
    ],
    ['sight', 'warn', /instance roles/, sees({ sees: { instanceRoles: false, organizationRoles: true } })],
    [
      'sight',
      'ok',
      /owners.*1 user under protect/,
      sees({ sees: { instanceRoles: true, organizationRoles: false } }),
      { protect: ['1'] },
    ],
    ['clock', 'warn', /30\.1 s behind/, sees({ clockSkew: -30_100 })],
    ['clock', 'ok', /30\.0 s ahead/, sees({ clockSkew: 30_000 })],
    ['credential', 'warn', /ends 2026-03-14/, sees({ expires: NOW + 13 * DAY })],
    ['credential', 'ok', /first ends 2026-03-16/, sees({ expires: NOW + 15 * DAY })],
    ['credential', 'ok', /^no expiry known$/, sees({ expires: Date.UTC(9999, 11, 31) })],
    ['credential', 'fail', /ended/, sees({ expires: NOW })],
    [
      'scim tokens',
      'warn',
      /^okta ends 2026-03-02/,
      () => {},
      {
        tokens: [
          { name: 'okta', expires: NOW + DAY },
          { name: 'hr', expires: NOW + 20 * DAY },
        ],
      },
    ],
    [
      'scim tokens',
      'fail',
      /^hr ended .* okta ends/,
      () => {},
      {
        tokens: [
          { name: 'hr', expires: NOW - 1 },
          { name: 'okta', expires: NOW + DAY },
        ],
      },
    ],
    [
      'sync',
      'fail',
      /none has finished yet; the last one failed: away/,
      tells({ sync: { finished: null, running: false, last: { kind: 'failed', reason: 'away' } } }),
    ],
    ['sync', 'warn', /the first one is running/, tells({ sync: { finished: null, running: true, last: undefined } })],
    [
      'sync',
      'warn',
      /the last one failed/,
      tells({ sync: { finished: NOW, running: false, last: { kind: 'failed', reason: 'away' } } }),
    ],
    [
      'sync',
      'warn',
      /12 users missing/,
      tells({ sync: { finished: NOW, running: false, last: { ...SYNCED, kept: 12 } as typeof SYNCED } }),
    ],
    ['rules', 'ok', /^1 rule in force$/, () => {}],
    ['rules', 'ok', /^none: groups grant no rights$/, rules({ rules: [] })],
    [
      'rules',
      'fail',
      /^1 of 2 rules: rule 2 \(displayName "Staff" gives editor\) is off: user\.grant\.write is missing$/,
      rules({
        rules: [
          RULE,
          { rule: 2, text: 'displayName "Staff" gives editor', groups: [], off: 'user.grant.write is missing' },
        ],
      }),
    ],
    [
      'rules',
      'fail',
      /^7 of 7 rules: .*; rule 5 [^;]*; and 2 others$/,
      rules({ rules: Array.from({ length: 7 }, (_, at) => ({ ...RULE, rule: at + 1, off: 'OFF' })) }),
    ],
    ['rules', 'warn', /^not known: the store failed$/, unruly],
    ['groups', 'warn', /^not known: the store failed$/, unruly],
    ['groups', 'ok', /those of bridge\.yaml, and every group is trusted$/, () => {}],
    ['groups', 'warn', /^the rules in force are not those of bridge\.yaml$/, rules({ differs: true })],
    ['groups', 'ok', /; before the first `groups apply` they revoke nothing/, rules({ first: true })],
    [
      'groups',
      'warn',
      /^2 groups read from ZITADEL and not trusted yet: rights are kept, none are granted$/,
      rules({ unconfirmed: ['g1', 'g2'] }),
    ],
    [
      'groups',
      'warn',
      /^`groups apply` is running or was interrupted, after 1200 users; the rules .*; 1 group read/,
      rules({ applying: { users: 1_200 }, differs: true, unconfirmed: ['g1'] }),
    ],
    [
      'blocked',
      'fail',
      /^1 row with a change that the token is not permitted/,
      (north) => void north.rows.push({ id: 'u', conditions: ['blocked'] }),
    ],
    [
      'hidden',
      'fail',
      /^1 row that ZITADEL's commands know/,
      (north) => void north.rows.push({ id: 'u', conditions: ['hidden'] }),
    ],
    [
      'dead letters',
      'fail',
      /^1 row with an acknowledged/,
      (north) => void north.rows.push({ id: 'u', conditions: ['deadLetter'] }),
    ],
    [
      'on hold',
      'fail',
      /^1 row with a change from before/,
      (north) => void north.rows.push({ id: 'u', conditions: ['onHold'] }),
    ],
  ];
  for (const [name, level, finding, prepare, more] of CASES) {
    test(`${name}: ${level} ${finding.source}`, async () => {
      const { of, exit, text } = await diagnose(prepare, more);
      const found = of(name);
      assert.equal(found.level, level);
      assert.match(found.finding, finding);
      assert.equal(found.todo !== '', level !== 'ok');
      assert.equal(text.includes(`. To do: ${found.todo}`), level !== 'ok');
      if (level === 'fail') assert.equal(exit, 1);
    });
  }

  test('every text of what to do is reached by a case above', async () => {
    const said = new Set<string>();
    for (const [, , , prepare, more] of CASES)
      for (const { name, todo } of (await diagnose(prepare, more)).value as readonly Diagnosis[])
        said.add(`${name} ${todo}`);
    for (const durability of [undefined, 'kept']) {
      const { value } = await offline(durability);
      for (const { name, todo } of value as readonly Diagnosis[]) said.add(`${name} ${todo}`);
    }
    for (const { name, todo } of CHECKS)
      for (const text of Object.values(todo)) assert.ok(said.has(`${name} ${text}`), `${name}: ${text}`);
  });
});

test('offline, doctor reports that no bridge is running and that deliveries are not known; on Redis another process may be running', async () => {
  const levels = (value: unknown) =>
    (value as readonly Diagnosis[]).filter(({ level }) => level !== 'ok').map(({ name, level }) => `${name} ${level}`);
  const alone = await offline(undefined);
  assert.deepEqual([levels(alone.value), alone.exit], [['bridge fail', 'deliveries warn', 'rules warn'], 1]);
  const shared = await offline('kept');
  assert.deepEqual([levels(shared.value), shared.exit], [['bridge warn', 'deliveries warn', 'rules warn'], 0]);
});

/** @param durability of a store on Redis */
async function offline(durability: string | undefined) {
  const north = fakeOperator('north');
  const state = await north.state();
  north.state = () => Promise.resolve({ ...state, durability });
  return run({ ...deskOf({ north }), offline: true }, 'doctor');
}

test('an inspection that fails is a finding', async () => {
  const { of, exit } = await diagnose((north) => {
    north.inspect = () => Promise.reject(new Error('deadline'));
  });
  assert.deepEqual(
    [of('zitadel').level, of('zitadel').finding, of('token').level, exit],
    ['fail', 'deadline', 'fail', 1],
  );
});

test('several tenants: each line says which', async () => {
  const { lines } = await run(deskOf({ north: fakeOperator('north'), zeta: fakeOperator('zeta') }), 'doctor');
  assert.equal(lines.length, 2 * CHECKS.length);
  assert.match(lines[0] ?? '', /^ok {4}north config: /);
  assert.match(lines.at(-1) ?? '', /^ok {4}zeta hidden: /);
});

test('a refused configuration and a closed store are the first line, exit 1', () => {
  assert.match(
    refusedConfiguration(['PORT: must be a number']).lines[0] ?? '',
    /^fail {2}config: PORT: must be a number\. To do: /,
  );
  assert.match(closedStore('in use by process 7').lines[0] ?? '', /^fail {2}store: in use by process 7\. To do: /);
  assert.deepEqual([refusedConfiguration(['x']).exit, closedStore('x').exit], [1, 1]);
});
