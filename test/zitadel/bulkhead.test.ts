import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBulkhead, type Lane } from '../../src/zitadel/bulkhead.ts';

/** Work that ends when it is told to; counts what is under way. */
function workers(slots: number) {
  const bulkhead = createBulkhead(slots);
  const running: { readonly lane: Lane; readonly end: () => void }[] = [];
  const begun: Lane[] = [];
  const add = (lane: Lane): Promise<void> =>
    bulkhead.run({ tenant: 'acme', lane }, 60_000, () => {
      begun.push(lane);
      return new Promise<void>((resolve) => {
        const work = {
          lane,
          end: () => {
            running.splice(running.indexOf(work), 1);
            resolve();
          },
        };
        running.push(work);
      });
    });
  const count = (lane: Lane): number => running.filter((each) => each.lane === lane).length;
  return { add, running, begun, count };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('never more at once than slots, and all get their turn in order', async () => {
  const { add, running } = workers(3);
  const done = Array.from({ length: 10 }, () => add('request'));
  for (let left = 10; left > 0; left -= 1) {
    await settle();
    assert.equal(running.length, Math.min(3, left));
    running[0]?.end();
  }
  await Promise.all(done);
});

test('sync takes at most half of the slots', async () => {
  const { add, count, running } = workers(8);
  const done = Array.from({ length: 20 }, () => add('sync'));
  await settle();
  assert.equal(count('sync'), 4);
  done.push(...Array.from({ length: 5 }, () => add('request')));
  await settle();
  assert.deepEqual([count('sync'), count('request')], [4, 4]);
  running.find((each) => each.lane === 'sync')?.end();
  await settle();
  assert.deepEqual([count('sync'), count('request')], [4, 4], 'the oldest that may go goes');
  while (running.length > 0) {
    running[0]?.end();
    await settle();
  }
  await Promise.all(done);
});

test('one slot serves both lanes in order of arrival', async () => {
  const { add, running, begun } = workers(1);
  const done = [add('request'), add('sync'), add('request')];
  while (running.length > 0 || begun.length < 3) {
    await settle();
    running[0]?.end();
  }
  await Promise.all(done);
  assert.deepEqual(begun, ['request', 'sync', 'request']);
});

test('work that fails gives its slot back', async () => {
  const bulkhead = createBulkhead(1);
  await assert.rejects(
    bulkhead.run({ tenant: 'acme', lane: 'request' }, 60_000, () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await bulkhead.run({ tenant: 'acme', lane: 'sync' }, 60_000, () => Promise.resolve(1)), 1);
});

test('who waits too long goes without, and takes no slot', async () => {
  const bulkhead = createBulkhead(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = bulkhead.run({ tenant: 'acme', lane: 'request' }, 60_000, () => promise.then(() => 'first'));
  assert.equal(await bulkhead.run({ tenant: 'acme', lane: 'request' }, 1, () => Promise.resolve('late')), undefined);
  resolve();
  assert.equal(await first, 'first');
  assert.equal(await bulkhead.run({ tenant: 'acme', lane: 'request' }, 60_000, () => Promise.resolve('next')), 'next');
});

test('who waits goes before bulk, but for each fourth slot', async () => {
  const { add, running, begun } = workers(1);
  const done = [add('bulk'), ...Array.from({ length: 3 }, () => add('bulk'))];
  done.push(...Array.from({ length: 5 }, () => add('request')));
  while (running.length > 0 || begun.length < 9) {
    await settle();
    running[0]?.end();
  }
  await Promise.all(done);
  assert.deepEqual(begun.join(' '), 'bulk request request request bulk request request bulk bulk');
});

test('bulk takes all slots that nobody else wants', async () => {
  const { add, count, running } = workers(4);
  const done = Array.from({ length: 6 }, () => add('bulk'));
  await settle();
  assert.equal(count('bulk'), 4);
  while (running.length > 0) {
    running[0]?.end();
    await settle();
  }
  await Promise.all(done);
});

test('tenants take turns: whatever the others have waiting, a call starts once each of them has had a slot', async () => {
  const calls = fc.record({
    tenant: fc.constantFrom('a', 'b', 'c', 'd'),
    lane: fc.constantFrom<Lane>('request', 'bulk'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(calls, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      async (all, slots) => {
        const bulkhead = createBulkhead(slots);
        const ends: (() => void)[] = [];
        const begun: string[] = [];
        const done = all.map((caller) =>
          bulkhead.run(caller, 60_000, () => {
            begun.push(caller.tenant);
            return new Promise<void>((resolve) => ends.push(resolve));
          }),
        );
        // this one comes last of all, behind every backlog
        done.push(
          bulkhead.run({ tenant: 'late', lane: 'bulk' }, 60_000, () => {
            begun.push('late');
            return Promise.resolve();
          }),
        );
        const atOnce = Math.min(slots, all.length);
        await settle();
        for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
          end();
          await settle();
        }
        await Promise.all(done);
        assert.equal(begun.length, all.length + 1);
        const before = begun.slice(atOnce, begun.indexOf('late'));
        assert.equal(
          new Set(before).size,
          before.length,
          `a tenant had two turns before the late one had any: ${begun.join(' ')}`,
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('a backlog of one tenant costs another one a turn, not the backlog', async () => {
  const turnsFor = async (backlog: number): Promise<number> => {
    const bulkhead = createBulkhead(8);
    const ends: (() => void)[] = [];
    const work = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
    const done = Array.from({ length: backlog }, () => bulkhead.run({ tenant: 'busy', lane: 'request' }, 60_000, work));
    const served: string[] = [];
    done.push(
      bulkhead.run({ tenant: 'other', lane: 'request' }, 60_000, async () => {
        served.push('other');
      }),
    );
    let turns = 0;
    for (; served.length === 0; turns += 1) {
      ends.shift()?.();
      await settle();
    }
    for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
      end();
      await settle();
    }
    await Promise.all(done);
    return turns;
  };
  assert.deepEqual([await turnsFor(100), await turnsFor(1_000)], [2, 2]);
});
