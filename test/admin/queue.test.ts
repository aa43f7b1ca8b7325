import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BridgeError } from '../../src/errors.ts';
import type { Condition } from '../../src/bridge/ports/store.ts';
import { CONDITION_NAMES as CONDITIONS, flagOf } from '../../src/store/conditions.ts';
import { VERBS } from '../../src/admin/verbs.ts';
import { change, DAY, deadLetter, fakeOperator, MINUTE, NOW } from './fake-operator.ts';
import { deskOf, run } from './run.ts';

const refusal = (status: number, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof BridgeError);
  assert.equal(error.status, status);
  assert.match(error.message, says);
  return true;
};

describe('queue list', () => {
  const north = fakeOperator(
    'north',
    {
      id: 'u1',
      conditions: ['pending'],
      pending: [change(['email'], NOW - 5 * MINUTE)],
      attempts: 4,
      lastError: 'ZITADEL is away',
    },
    {
      id: 'u2',
      conditions: ['deadLetter', 'pending'],
      pending: [change(['title'], NOW)],
      deadLetters: [deadLetter('e-mail is refused', NOW - 3 * DAY)],
    },
    { id: 'u3', conditions: ['blocked'], blocked: 'user.write is missing' },
  );

  test('shows each row once, the oldest first, with age, attempts and reason', async () => {
    const { lines, value, exit } = await run(deskOf({ north }), 'queue list');
    assert.deepEqual(lines, [
      'ID  CONDITION            AGE    ATTEMPTS  REASON',
      'u2  dead-letter,pending  3 d    0         e-mail is refused',
      'u1  pending              5 min  4         ZITADEL is away',
      'u3  blocked              -      0         user.write is missing',
      'north: pending 2, in-doubt 0, dead-letter 1, on-hold 0, blocked 1, hidden 0',
    ]);
    assert.deepEqual(
      (value as readonly { id: string }[]).map(({ id }) => id),
      ['u2', 'u1', 'u3'],
    );
    assert.equal(exit, 0);
  });

  test('--kind shows one condition, --limit that many rows', async () => {
    const { lines } = await run(deskOf({ north }), 'queue list', { kind: 'pending', limit: 1 });
    assert.equal(lines.length, 3);
    assert.equal(lines[2], 'north: pending 2');
  });

  test('several tenants, or the one that is named', async () => {
    const desk = deskOf({ north, zeta: fakeOperator('zeta', { id: 'z1', conditions: ['onHold'] }) });
    const all = await run(desk, 'queue list');
    assert.match(all.text, /^TENANT +ID/);
    assert.match(all.text, /^zeta +z1 +on-hold/m);
    const one = await run(desk, 'queue list', { tenant: 'zeta' });
    assert.doesNotMatch(one.text, /u1/);
    await assert.rejects(
      run(desk, 'queue list', { tenant: 'beta' }),
      refusal(400, /no tenant beta; there are north, zeta/),
    );
  });

  test('rows of groups are told from those of users', async () => {
    const north = fakeOperator(
      'north',
      { id: 'g1', conditions: ['deadLetter'] },
      { id: 'u1', conditions: ['deadLetter'] },
    );
    const list = north.list;
    north.list = async (...args) =>
      (await list(...args)).map((entry) => (entry.id === 'g1' ? { ...entry, tenant: 'north:groups' } : entry));
    const { lines } = await run(deskOf({ north }), 'queue list', { kind: 'dead-letter' });
    assert.deepEqual(lines, [
      'TENANT        ID  CONDITION    AGE  ATTEMPTS  REASON',
      'north:groups  g1  dead-letter  -    0',
      'north         u1  dead-letter  -    0',
      'north: dead-letter 2',
    ]);
  });

  test('a reason cannot steer a terminal', async () => {
    const desk = deskOf({
      north: fakeOperator('north', { id: 'u', conditions: ['pending'], lastError: '\u001b[2J\nok\u202e' }),
    });
    assert.doesNotMatch((await run(desk, 'queue list')).text, /\p{Cf}|[^\P{Cc}\n]/u);
  });
});

describe('queue show', () => {
  const north = fakeOperator('north', {
    id: 'u1',
    conditions: ['pending', 'deadLetter'],
    pending: [
      change(['email'], NOW - MINUTE),
      change(['title'], NOW, { onHold: true, kind: 'edit', acknowledged: false }),
    ],
    deadLetters: [deadLetter('phone is refused', NOW - DAY, { facts: ['phone'] })],
    attempts: 3,
    dueAt: NOW + 30_000,
    lastError: 'UNAVAILABLE',
    differences: [
      { fact: 'email', asked: 'new@example.com', known: 'old@example.com', zitadel: undefined },
      { fact: 'phone', asked: null, known: '(not set)', zitadel: null },
      { fact: 'password', asked: '$2b$10$hash', known: null, zitadel: null },
    ],
  });

  test('says what is asked, by whom, when, and what went wrong', async () => {
    const { lines, exit } = await run(deskOf({ north }), 'queue show', { id: 'u1' });
    assert.deepEqual(lines, [
      'u1 of north: pending, dead-letter',
      '',
      'pending       edit of email; by okta, 2026-03-01 11:59:00 UTC (60 s ago), transaction txn-1',
      'on hold       edit (not acknowledged) of title; by okta, 2026-03-01 12:00:00 UTC (0 s ago), transaction txn-1',
      'dead letter   edit of phone; by okta, 2026-02-28 12:00:00 UTC (24 h ago), transaction txn-0',
      '              refused, dead since 2026-02-28 12:01:00 UTC (23 h ago): phone is refused',
      'attempts      3',
      'last error    UNAVAILABLE',
      'next attempt  2026-03-01 12:00:30 UTC (in 30 s)',
      'ZITADEL       found',
      '',
      'FACT   REQUESTED          LAST CONFIRMED     ZITADEL NOW',
      'email  "new@example.com"  "old@example.com"  (not read)',
      'phone  (not set)          "(not set)"        (not set)',
    ]);
    assert.equal(exit, 0);
  });

  test('a right that was refused, a look at rights, and a group that is to be deleted', async () => {
    const zeta = fakeOperator(
      'zeta',
      {
        id: 'u2',
        conditions: ['pending', 'deadLetter'],
        pending: [change([], NOW)],
        deadLetters: [deadLetter('the last active ORG_OWNER stays', NOW - DAY, { facts: ['right:org'], rights: true })],
      },
      { id: 'g1', conditions: ['pending'], pending: [change([], NOW, { kind: 'delete' })], wish: 'delete' },
    );
    const { lines } = await run(deskOf({ zeta }), 'queue show', { id: 'u2' });
    assert.deepEqual(lines.slice(2, 5), [
      'pending       edit of rights; by okta, 2026-03-01 12:00:00 UTC (0 s ago), transaction txn-1',
      'dead letter   rights: right:org; by okta, 2026-02-28 12:00:00 UTC (24 h ago), transaction txn-0',
      '              refused, dead since 2026-02-28 12:01:00 UTC (23 h ago): the last active ORG_OWNER stays',
    ]);
    const group = await run(deskOf({ zeta }), 'queue show', { id: 'g1' });
    assert.match(group.text, /^pending +delete of no facts; [^]*\nrequested: deletion$/m);
  });

  test('never a password, in lines or in JSON', async () => {
    const { text, value } = await run(deskOf({ north }), 'queue show', { id: 'u1' });
    assert.doesNotMatch(text + JSON.stringify(value), /hash/);
  });

  test('an id in two tenants needs --tenant, one that is nowhere is told', async () => {
    const desk = deskOf({
      north,
      zeta: fakeOperator('zeta', { id: 'u1', conditions: [] }, { id: 'z9', conditions: [] }),
    });
    await assert.rejects(
      run(desk, 'queue show', { id: 'u1' }),
      refusal(400, /north and zeta: say which with --tenant/),
    );
    assert.match((await run(desk, 'queue show', { id: 'u1', tenant: 'zeta' })).text, /^u1 of zeta: settled/);
    assert.match((await run(desk, 'queue show', { id: 'z9' })).text, /^z9 of zeta/);
    await assert.rejects(run(desk, 'queue show', { id: 'x' }), refusal(404, /no tenant has a user or group x/));
    await assert.rejects(run(deskOf({ north }), 'queue show', { id: 'x' }), refusal(404, /no user x/));
  });
});

describe('queue retry, drop, release', () => {
  const rows = (): readonly { id: string; conditions: readonly Condition[] }[] => [
    { id: 'a', conditions: ['pending', 'deadLetter'] },
    { id: 'b', conditions: ['onHold'] },
    { id: 'c', conditions: ['blocked', 'onHold'] },
    { id: 'd', conditions: ['deadLetter'] },
    { id: 'e', conditions: [] },
  ];

  test('one row', async () => {
    const north = fakeOperator('north', ...rows());
    const { lines, value, exit } = await run(deskOf({ north }), 'queue retry', { id: 'a' });
    assert.deepEqual([lines, value, exit], [['tried now'], { rows: 1, told: 'tried now' }, 0]);
    await assert.rejects(run(deskOf({ north }), 'queue release', { id: 'e' }), refusal(409, /nothing of e/));
  });

  for (const [name, args, asked] of [
    ['queue retry', { all: true }, ['retry a', 'retry d', 'retry c']],
    ['queue retry', { all: true, kind: 'blocked' }, ['retry c']],
    ['queue drop', { all: true, kind: 'on-hold' }, ['drop b', 'drop c']],
    ['queue drop', { all: true, kind: 'dead-letter' }, ['drop a', 'drop d']],
    ['queue release', { all: true }, ['release b', 'release c']],
  ] as const) {
    test(`${name} ${JSON.stringify(args)}: each row once`, async () => {
      const north = fakeOperator('north', ...rows());
      const { value, exit } = await run(deskOf({ north }), name, args);
      assert.deepEqual(north.asked, asked);
      assert.equal((value as { rows: number }).rows, asked.length);
      assert.equal(exit, 0);
    });
  }

  test('--all takes every row, however many, and tells how far it is', async () => {
    const many = Array.from({ length: 1_234 }, (_, at) => ({
      id: `u${String(at).padStart(5, '0')}`,
      conditions: ['deadLetter' as const],
    }));
    const north = fakeOperator('north', ...many);
    const { lines, progress } = await run(deskOf({ north }), 'queue drop', { all: true, kind: 'dead-letter' });
    assert.deepEqual(
      north.asked,
      many.map(({ id }) => `drop ${id}`),
    );
    assert.deepEqual(lines, ['1234 rows: forgotten']);
    assert.deepEqual(progress, ['north: 500 rows so far', 'north: 1000 rows so far']);
  });

  test('--all: a row that stays in two conditions is tried once', async () => {
    const north = fakeOperator('north', { id: 'u', conditions: ['pending', 'inDoubt', 'blocked'] });
    const tried: string[] = [];
    north.retry = async (id) => {
      tried.push(id);
      return { rows: 1, told: 'tried now' };
    };
    const { lines } = await run(deskOf({ north }), 'queue retry', { all: true });
    assert.deepEqual([tried, lines], [['u'], ['1 row: tried now']]);
  });

  test('--all stays in the tenant that is named', async () => {
    const [north, zeta] = [fakeOperator('north', ...rows()), fakeOperator('zeta', ...rows())];
    await run(deskOf({ north, zeta }), 'queue release', { all: true, tenant: 'zeta' });
    assert.deepEqual([north.asked.length, zeta.asked.length], [0, 2]);
  });

  test('--all: a row that was settled meanwhile is no error, a failing store ends it', async () => {
    const north = fakeOperator('north', ...rows());
    const retry = north.retry;
    north.retry = async (id) => {
      if (id === 'd') throw new BridgeError(404, 'gone meanwhile');
      return retry(id);
    };
    assert.equal((await run(deskOf({ north }), 'queue retry', { all: true })).exit, 0);

    const broken = fakeOperator('north', ...rows());
    const release = broken.release;
    broken.release = async (id) => {
      if (id === 'c') throw new BridgeError(503, 'the disk is full');
      return release(id);
    };
    const { lines, exit } = await run(deskOf({ north: broken }), 'queue release', { all: true });
    assert.deepEqual([lines, exit], [['1 row: released', 'stopped after 1 row: the disk is full'], 1]);
  });

  test('--all ends when the caller has gone', async () => {
    const north = fakeOperator('north', ...rows());
    const left = new AbortController();
    const release = north.release;
    north.release = async (id) => {
      left.abort();
      return release(id);
    };
    await run(deskOf({ north }), 'queue release', { all: true }, left.signal);
    assert.deepEqual(north.asked, ['release b']);
  });

  test('drop --all of dead letters skips a row that is on hold as well, and names it', async () => {
    const north = fakeOperator(
      'north',
      { id: 'a', conditions: ['deadLetter'] },
      { id: 'b', conditions: ['deadLetter', 'onHold'] },
    );
    const { lines, exit } = await run(deskOf({ north }), 'queue drop', { all: true, kind: 'dead-letter' });
    assert.deepEqual(north.asked, ['drop a']);
    assert.deepEqual(lines, [
      '1 row: forgotten',
      'skipped, because they are both dead-letter and on-hold; handle each one: b',
    ]);
    assert.equal(exit, 1);
  });

  test('law: drop --all of a kind forgets every row that is in that condition alone, and touches no other', async () => {
    const row = fc.record({ id: fc.uuid(), conditions: fc.subarray([...CONDITIONS]) });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(row, { selector: ({ id }) => id }),
        fc.constantFrom<Condition>('deadLetter', 'onHold'),
        async (rows, kind) => {
          const north = fakeOperator('north', ...rows);
          const { value, exit } = await run(deskOf({ north }), 'queue drop', { all: true, kind: flagOf(kind) });
          const both = rows.filter(
            ({ conditions }) => conditions.includes('deadLetter') && conditions.includes('onHold'),
          );
          assert.deepEqual(new Set((value as { spared: string[] }).spared), new Set(both.map(({ id }) => id)));
          assert.equal(exit, both.length === 0 ? 0 : 1);
          for (const before of rows) {
            const alone = before.conditions.includes(kind) && !both.includes(before);
            const left = before.conditions.filter((condition) => !alone || condition !== kind);
            assert.deepEqual(north.rows.find(({ id }) => id === before.id)?.conditions, left);
          }
        },
      ),
    );
  });
});

describe('arguments', () => {
  const desk = deskOf({ north: fakeOperator('north') });
  for (const [name, args, says] of [
    ['queue list', [], /JSON object/],
    ['queue list', null, /JSON object/],
    ['queue list', { colour: 1 }, /colour: no such argument/],
    ['queue list', { kind: 'lost' }, /kind must be one of pending, in-doubt/],
    ['queue list', { limit: 0 }, /limit must be/],
    ['queue list', { limit: '5' }, /limit must be/],
    ['queue list', { tenant: '' }, /tenant must be/],
    ['queue show', {}, /id of a user is missing/],
    ['queue show', { id: 'a\nb' }, /id must be/],
    ['queue show', { id: 'a', all: true }, /all: no such argument/],
    ['queue retry', {}, /either the id of a user or --all/],
    ['queue retry', { id: 'a', all: true }, /either/],
    ['queue retry', { all: false }, /either/],
    ['queue retry', { id: 'a', kind: 'dead-letter' }, /--kind goes with --all/],
    ['queue retry', { all: true, kind: 'on-hold' }, /kind must be one of pending, in-doubt, dead-letter, blocked/],
    ['queue drop', { all: true }, /--all needs --kind: one of dead-letter, on-hold/],
    ['queue drop', { all: true, kind: 'pending' }, /kind must be one of dead-letter, on-hold/],
    ['queue release', { all: 'yes' }, /all must be true or false/],
    ['groups explain', {}, /id of a user is missing/],
    ['groups explain', { id: 'a', all: true }, /all: no such argument/],
    ['groups plan', { id: 'a' }, /id: no such argument/],
    ['groups apply', { tenant: 'a b' }, /tenant must be/],
    ['doctor', { id: 'a' }, /id: no such argument/],
    ['sync', { acceptRemovals: 1 }, /acceptRemovals must be/],
  ] as const) {
    test(`${name} ${JSON.stringify(args)} is refused`, () =>
      assert.rejects(async () => run(desk, name, args as object), refusal(400, says)));
  }

  test('whatever is given, it is taken or refused with 400', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...VERBS), fc.jsonValue(), async ({ name }, given) => {
        const outcome = await run(deskOf({ north: fakeOperator('north') }), name, given as object).catch(
          (error: unknown) => error,
        );
        if (outcome instanceof Error) assert.ok(outcome instanceof BridgeError && [400, 404].includes(outcome.status));
      }),
    );
  });
});
