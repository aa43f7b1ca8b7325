import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BridgeError } from '../../src/errors.ts';
import { VERBS } from '../../src/admin/verbs.ts';
import { EXPLAINED, fakeOperator, RULE, RULES } from './fake-operator.ts';
import { deskOf, run, verb } from './run.ts';

const OWNER = { project: null, role: 'ORG_OWNER' };
const DESK = { project: null, role: 'ORG_USER_MANAGER' };
const EDITOR = { project: '298357', role: 'editor' };

describe('groups explain', () => {
  const giver = (id: string, displayName: string, rule: number) => ({ id, displayName, rule });
  const north = fakeOperator('north');
  north.explained.push(EXPLAINED, {
    id: 'u2',
    protected: false,
    memberships: [
      { id: 'g1', displayName: 'Help desk', trusted: true, pending: null },
      { id: 'g2', displayName: 'Editors', trusted: false, pending: 'remove' },
      { id: 'g3', displayName: undefined, trusted: true, pending: 'add' },
    ],
    unresolved: ['g9'],
    rights: [
      {
        ...DESK,
        groups: [giver('g1', 'Help desk', 1), giver('g3', 'IT', 1)],
        held: true,
        managed: true,
        standing: 'settled',
      },
      { ...EDITOR, groups: [giver('g1', 'Help desk', 2)], held: false, managed: true, standing: 'pending' },
      { project: '298357', role: 'viewer', groups: [], held: true, managed: true, standing: 'pending' },
      {
        project: '298357',
        role: 'author',
        groups: [giver('g2', 'Editors', 3)],
        held: true,
        managed: true,
        standing: 'kept',
      },
      {
        ...OWNER,
        groups: [],
        held: true,
        managed: true,
        standing: 'dead-letter',
        reason: 'the last active ORG_OWNER stays',
      },
      { project: null, role: 'ORG_OWNER_VIEWER', groups: [], held: true, managed: false, standing: 'settled' },
    ],
    off: [{ rule: 3, reason: 'there is no project 999' }],
    blocked: 'org.member.write is missing',
  });
  north.rules = {
    ...RULES,
    rules: [
      RULE,
      { rule: 2, text: 'externalId "00g1" gives editor', groups: ['g1'], off: 'there is no project 298357' },
      { rule: 3, text: 'displayName "Editors" gives author', groups: ['g2'] },
      { rule: 4, text: 'displayName "Others" gives other', groups: [] },
    ],
  };

  test('says which group gives what by which rule, what is managed, owed, pending, dead and kept', async () => {
    const { lines, exit } = await run(deskOf({ north }), 'groups explain', { id: 'u2' });
    assert.deepEqual(lines, [
      'u2 of north: 3 groups, 6 rights',
      '',
      'GROUP  NAME             MEMBERSHIP',
      'g1     Help desk        trusted',
      'g2     Editors          read from ZITADEL: keeps rights, grants none; pending: will be removed',
      'g3     (no such group)  trusted; pending: will be added',
      '',
      'RIGHT                    HELD  STATE                                         GRANTED BY',
      'ORG_USER_MANAGER         yes   settled                                       Help desk (g1) by rule 1, IT (g3) by rule 1',
      'editor (project 298357)  no    pending: will be granted                      Help desk (g1) by rule 2',
      'viewer (project 298357)  yes   pending: will be revoked                      -',
      'author (project 298357)  yes   kept: its group or membership is not trusted  Editors (g2) by rule 3',
      'ORG_OWNER                yes   dead-letter                                   -',
      'ORG_OWNER_VIEWER         yes   not managed: never touched                    -',
      '',
      'rule 1 (displayName "Help desk*" gives ORG_USER_MANAGER)',
      'rule 2 (externalId "00g1" gives editor) is off: there is no project 298357',
      'rule 3 (displayName "Editors" gives author)',
      'dead-letter: ORG_OWNER: the last active ORG_OWNER stays',
      'unresolved: group g9 waits for a user with this id',
      'rule 3 is off: there is no project 999',
      'blocked: org.member.write is missing',
    ]);
    assert.equal(exit, 0);
  });

  test('the same as JSON, with the rules that are named', async () => {
    const { value } = await run(deskOf({ north }), 'groups explain', { id: 'u2' });
    const { tenant, rules, rights } = value as {
      readonly tenant: string;
      readonly rules: readonly { readonly rule: number }[];
      readonly rights: readonly unknown[];
    };
    assert.deepEqual([tenant, rules.map(({ rule }) => rule), rights.length], ['north', [1, 2, 3], 6]);
  });

  test('a right that many groups give: some of them are named', async () => {
    const many = fakeOperator('north');
    const groups = Array.from({ length: 1_500 }, (_, at) => giver(`g${at}`, 'Staff', 1));
    many.explained.push({
      ...EXPLAINED,
      rights: [{ ...DESK, groups, held: true, managed: true, standing: 'settled' }],
    });
    const { text, value } = await run(deskOf({ north: many }), 'groups explain', { id: 'u1' });
    assert.match(text, /Staff \(g9\) by rule 1, 1490 others: --json shows all$/m);
    assert.equal((value as typeof EXPLAINED).rights[0]?.groups.length, 1_500);
  });

  test('a user in no group', async () => {
    const { lines } = await run(deskOf({ north }), 'groups explain', { id: 'u1' });
    assert.deepEqual(lines, ['u1 of north: 0 groups, 0 rights']);
  });

  test('the tenant is found by the user; one that is nowhere is told', async () => {
    const zeta = fakeOperator('zeta');
    zeta.explained.push({ ...EXPLAINED, id: 'z1' }, EXPLAINED);
    const desk = deskOf({ north, zeta });
    assert.match((await run(desk, 'groups explain', { id: 'z1' })).text, /^z1 of zeta/);
    await assert.rejects(run(desk, 'groups explain', { id: 'u1' }), /north and zeta: say which with --tenant/);
    await assert.rejects(run(desk, 'groups explain', { id: 'x' }), { status: 404 });
    await assert.rejects(run(deskOf({ north }), 'groups explain', { id: 'x' }), { status: 404 });
  });

  test('the name of a group cannot steer a terminal', async () => {
    const hostile = fakeOperator('north');
    const name = '\u001b[2J\nok\u202e';
    hostile.explained.push({
      ...EXPLAINED,
      memberships: [{ id: name, displayName: name, trusted: true, pending: null }],
      rights: [
        {
          project: name,
          role: name,
          groups: [giver(name, name, 1)],
          held: true,
          managed: true,
          standing: 'dead-letter',
          reason: name,
        },
      ],
      unresolved: [name],
      blocked: name,
    });
    hostile.rules = { ...RULES, rules: [{ ...RULE, text: name, off: name }] };
    assert.doesNotMatch(
      (await run(deskOf({ north: hostile }), 'groups explain', { id: 'u1' })).text,
      /\p{Cf}|[^\P{Cc}\n]/u,
    );
  });
});

describe('groups plan', () => {
  test('a line for each user that would change, then what would be given and taken', async () => {
    const north = fakeOperator('north');
    north.rules = { ...RULES, differs: true };
    north.planned.push(
      { id: 'u1', add: [DESK], remove: [EDITOR] },
      { id: 'u2', add: [DESK, EDITOR], remove: [] },
      { id: 'u3', add: [], remove: [EDITOR] },
    );
    const { lines, value, exit, progress } = await run(deskOf({ north }), 'groups plan');
    assert.deepEqual(lines, [
      'north: u1 +ORG_USER_MANAGER, -editor (project 298357)',
      'north: u2 +ORG_USER_MANAGER, +editor (project 298357)',
      'north: u3 -editor (project 298357)',
      'north: 3 users would change',
      'north: ORG_USER_MANAGER granted to 2 users',
      'north: editor (project 298357) granted to 1 user',
      'north: editor (project 298357) revoked from 2 users',
      'north: bridge.yaml is not in force: `groups apply` puts it in force',
    ]);
    assert.deepEqual(value, {
      north: {
        differs: true,
        first: false,
        users: 3,
        given: [
          { ...DESK, users: 2 },
          { ...EDITOR, users: 1 },
        ],
        taken: [{ ...EDITOR, users: 2 }],
        changes: north.planned,
      },
    });
    assert.deepEqual([exit, progress, north.asked], [0, [], []]);
  });

  test('nothing to change', async () => {
    const { lines, exit } = await run(deskOf({ north: fakeOperator('north') }), 'groups plan');
    assert.deepEqual([lines, exit], [['north: no user would change', 'north: bridge.yaml is in force'], 0]);
  });

  test('the rules are in force, and names or memberships have changed since', async () => {
    const north = fakeOperator('north');
    north.planned.push({ id: 'u1', add: [EDITOR], remove: [] });
    const { lines } = await run(deskOf({ north }), 'groups plan');
    assert.equal(lines.at(-1), 'north: bridge.yaml is in force; `groups apply` makes these changes');
  });

  test('a long one is told while it is found: the answer holds counts and the first users', async () => {
    const north = fakeOperator('north');
    for (let at = 0; at < 501; at += 1)
      north.planned.push({ id: `u${at}`, add: [{ project: '1', role: `role ${at % 30}` }], remove: [] });
    const { lines, value, progress } = await run(deskOf({ north }), 'groups plan');
    assert.deepEqual(
      progress,
      north.planned.map(({ id, add }) => `north: ${id} +${add[0]?.role ?? ''} (project 1)`),
    );
    assert.deepEqual(
      [lines[0], lines[1], lines.length, lines.at(-2)],
      [
        'north: 501 users would change',
        'north: role 0 (project 1) granted to 17 users',
        23,
        'north: 10 other rights granted to users: --json counts them',
      ],
    );
    const told = (value as { readonly north: { readonly users: number; readonly changes: unknown[] } }).north;
    assert.deepEqual([told.users, told.changes.length], [501, 500]);

    north.planned.pop();
    const short = await run(deskOf({ north }), 'groups plan');
    assert.deepEqual([short.progress.length, short.lines.length], [0, 500 + 23]);
  });

  test('no user is asked for before the line of the last one has found room', async () => {
    const north = fakeOperator('north');
    let found = 0;
    north.groups.plan = async function* () {
      for (; found < 502; found += 1) yield { id: 'u', add: [DESK], remove: [] };
    };
    const room = Promise.withResolvers<void>();
    const full = Promise.withResolvers<void>();
    const progress = (): Promise<void> => {
      full.resolve();
      return room.promise;
    };
    const { signal } = new AbortController();
    const running = verb('groups plan').run(deskOf({ north }), {}, { progress, signal });
    await full.promise;
    assert.equal(found, 500);
    room.resolve();
    await running;
    assert.equal(found, 502);
  });

  test('a tenant that cannot be planned keeps no other from it; a bug is no answer', async () => {
    const [north, zeta] = [fakeOperator('north'), fakeOperator('zeta')];
    north.broken = 'ZITADEL is away';
    const { lines, exit, value } = await run(deskOf({ north, zeta }), 'groups plan');
    assert.deepEqual(lines, [
      'north: failed: ZITADEL is away',
      'zeta: no user would change',
      'zeta: bridge.yaml is in force',
    ]);
    assert.deepEqual([exit, (value as { readonly north: unknown }).north], [1, { failed: 'ZITADEL is away' }]);
    zeta.groups.plan = () => {
      throw new TypeError('a mistake');
    };
    await assert.rejects(run(deskOf({ zeta }), 'groups plan'), TypeError);
    const named = await run(deskOf({ north, zeta: fakeOperator('zeta') }), 'groups plan', { tenant: 'zeta' });
    assert.doesNotMatch(named.text, /north/);
  });
});

describe('groups apply', () => {
  test('tells how far it is, then what was done', async () => {
    const north = fakeOperator('north');
    north.applies = async (onProgress) => {
      for (let users = 100; users <= 1_200; users += 100) onProgress({ users, changed: users / 100 });
      return { rows: 12, told: '12 of 1200 users changed' };
    };
    const { lines, value, exit, progress } = await run(deskOf({ north }), 'groups apply');
    assert.deepEqual(lines, ['north: 12 of 1200 users changed']);
    assert.deepEqual(progress, ['north: 500 users evaluated, 5 changed', 'north: 1000 users evaluated, 10 changed']);
    assert.deepEqual([value, exit], [{ north: { rows: 12, told: '12 of 1200 users changed', off: [] } }, 0]);
  });

  test('goes on where one was cut off, and says so', async () => {
    const north = fakeOperator('north');
    north.rules = { ...RULES, applying: { users: 700 } };
    north.applies = async (onProgress) => {
      onProgress({ users: 800, changed: 1 });
      onProgress({ users: 900, changed: 1 });
      north.rules = RULES;
      return { rows: 1, told: '1 user changed' };
    };
    const { lines, progress } = await run(deskOf({ north }), 'groups apply');
    assert.deepEqual(progress, [
      'north: resuming an interrupted run, after 700 users',
      'north: 800 users evaluated, 1 changed',
    ]);
    assert.deepEqual(lines, ['north: 1 user changed']);
  });

  test('one that is under way is left alone', async () => {
    const north = fakeOperator('north');
    north.rules = { ...RULES, applying: { users: 700 } };
    north.applies = () => Promise.reject(new BridgeError(409, 'an apply is under way'));
    const { lines, progress, exit } = await run(deskOf({ north }), 'groups apply');
    assert.deepEqual([lines, progress, exit], [['north: failed: an apply is under way'], [], 1]);
  });

  test('rules that grant nothing are reported, exit 1', async () => {
    const north = fakeOperator('north');
    north.rules = { ...RULES, rules: [RULE, { ...RULE, rule: 2, off: 'org.member.write is missing' }] };
    const { lines, exit } = await run(deskOf({ north }), 'groups apply');
    assert.deepEqual(lines, [
      'north: nothing to change',
      'north: rule 2 (displayName "Help desk*" gives ORG_USER_MANAGER) is off: org.member.write is missing',
    ]);
    assert.equal(exit, 1);
  });

  test('what was done is told, also when the store fails right after it', async () => {
    const north = fakeOperator('north');
    north.applies = async () => {
      north.broken = 'the disk is full';
      return { rows: 1, told: '1 user changed' };
    };
    const { lines, exit } = await run(deskOf({ north }), 'groups apply');
    assert.deepEqual([lines, exit], [['north: 1 user changed', 'north: failed: the disk is full'], 1]);
  });

  test('a failing tenant keeps no other from it; when the caller has gone no other is started', async () => {
    const [north, zeta] = [fakeOperator('north'), fakeOperator('zeta')];
    north.applies = () => Promise.reject(new BridgeError(503, 'ZITADEL is away'));
    const { lines, exit } = await run(deskOf({ north, zeta }), 'groups apply');
    assert.deepEqual([lines, exit], [['north: failed: ZITADEL is away', 'zeta: nothing to change'], 1]);

    const left = new AbortController();
    zeta.asked.length = 0;
    north.applies = async (_, signal) => {
      left.abort();
      assert.ok(signal.aborted);
      return { rows: 0, told: 'cut off' };
    };
    await run(deskOf({ north, zeta }), 'groups apply', {}, left.signal);
    assert.deepEqual(zeta.asked, []);
  });
});

test('each of them takes the name of a tenant', () => {
  for (const { name, takes } of VERBS) if (name.startsWith('groups ')) assert.ok(takes.includes('tenant'), name);
});
