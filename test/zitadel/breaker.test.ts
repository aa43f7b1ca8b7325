import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { type Breaker, type BreakerOptions, createBreaker } from '../../src/zitadel/breaker.ts';
import { until } from './world.ts';

const made: Breaker[] = [];
afterEach(() => {
  for (const each of made.splice(0)) each.close();
});

function breakerOf(options: BreakerOptions = {}): Breaker {
  const breaker = createBreaker({ probeMs: 60_000, clock: () => 7, ...options });
  made.push(breaker);
  return breaker;
}

/** Calls one after another; each subject's gets no answer. */
function fail(breaker: Breaker, ...subjects: readonly string[]): void {
  for (const subject of subjects) breaker.begin(subject).silent(`${subject} is silent`);
}

test('opens after five failures in a row over two subjects, and says why', () => {
  const breaker = breakerOf();
  const seen: boolean[] = [];
  breaker.onChange((open) => seen.push(open));
  fail(breaker, 'a', 'a', 'b', 'a');
  assert.equal(breaker.open(), undefined);
  fail(breaker, 'a');
  assert.deepEqual(breaker.open(), {
    since: 7,
    reason: '5 calls in a row got no answer; the last: a is silent',
  });
  fail(breaker, 'a', 'b');
  assert.deepEqual(seen, [true]);
});

test('one subject alone never opens it', () => {
  const breaker = breakerOf();
  fail(breaker, ...Array.from({ length: 100 }, () => 'a'));
  assert.equal(breaker.open(), undefined);
  fail(breaker, 'b');
  assert.notEqual(breaker.open(), undefined);
});

test('law: one call after another, it is open when the last five or more got no answer and were not about one user', () => {
  const call = fc.record({
    subject: fc.constantFrom('a', 'b', 'c'),
    ends: fc.constantFrom('silent', 'broken', 'answered'),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 30 }), (calls) => {
      const breaker = breakerOf();
      let row: string[] = [];
      for (const { subject, ends } of calls) {
        const trial = breaker.begin(subject);
        if (ends === 'answered') {
          trial.answered();
          row = [];
        } else {
          trial[ends]('nothing');
          row.push(subject);
        }
        assert.equal(breaker.open() !== undefined, row.length >= 5 && new Set(row).size >= 2);
      }
      breaker.close();
    }),
    { numRuns: 2_000 },
  );
});

test('a connection that breaks under many calls is one failure; deadlines of many calls are many', () => {
  const breaker = breakerOf();
  const together = (): void => {
    const trials = ['a', 'b', 'c', 'd', 'e', 'f'].map((subject) => breaker.begin(subject));
    for (const trial of trials) trial.broken('reset');
  };
  for (let each = 0; each < 4; each += 1) together();
  assert.equal(breaker.open(), undefined);
  together();
  assert.notEqual(breaker.open(), undefined);

  const other = breakerOf();
  for (const trial of ['a', 'b', 'c', 'd', 'e'].map((subject) => other.begin(subject))) trial.silent('late');
  assert.notEqual(other.open(), undefined);
});

test('what began before it closed does not count after', () => {
  const breaker = breakerOf();
  const old = Array.from({ length: 9 }, (_, at) => breaker.begin(String(at)));
  fail(breaker, 'a', 'b', 'a', 'b', 'a');
  breaker.begin('c').answered();
  assert.equal(breaker.open(), undefined);
  for (const each of old) each.silent('late');
  fail(breaker, 'a', 'b', 'a', 'b');
  assert.equal(breaker.open(), undefined);
  fail(breaker, 'a');
  assert.notEqual(breaker.open(), undefined);
});

test('asks by the first probe given, again and again, until one is answered', async () => {
  const breaker = breakerOf({ probeMs: 1 });
  const seen: boolean[] = [];
  let asked = 0;
  breaker.onChange((open) => seen.push(open));
  breaker.probeBy(async () => {
    asked += 1;
    if (asked === 2) throw new Error('a probe that fails is not the end');
    const trial = breaker.begin('probe');
    if (asked < 4) trial.broken('refused');
    else trial.answered();
  });
  breaker.probeBy(() => assert.fail('one is enough'));
  fail(breaker, 'a', 'b', 'a', 'b', 'a');
  await until(() => breaker.open() === undefined);
  assert.deepEqual([asked, seen], [4, [true, false]]);
  fail(breaker, 'a', 'b', 'a', 'b');
  assert.equal(breaker.open(), undefined, 'counts from zero again');
});

test('closed for good: nothing opens it, nothing is asked', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const breaker = breakerOf({ probeMs: 1 });
  breaker.probeBy(() => assert.fail('asked'));
  fail(breaker, 'a', 'b', 'a', 'b', 'a');
  breaker.close();
  context.mock.timers.tick(1_000);
  const other = breakerOf();
  other.close();
  fail(other, 'a', 'b', 'a', 'b', 'a');
  assert.equal(other.open(), undefined);
});
