import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BridgeError } from '../../src/errors.ts';
import { createWaiters } from '../../src/bridge/delivery/waiters.ts';
import { ALONE } from '../../src/bridge/ports/peers.ts';
import type { Store, Write, WriteResult } from '../../src/bridge/ports/store.ts';
import { createReplays } from '../../src/bridge/requests/replay.ts';
import { type Submission, submitChange, type SubmitContext } from '../../src/bridge/requests/submit.ts';
import type { Row } from '../../src/bridge/row/types.ts';
import { updateRow } from '../../src/bridge/row/update-row.ts';
import { emptyRow, newChange } from '../../src/bridge/row/views.ts';
import { TIMING } from '../../src/bridge/timing.ts';

const key = { tenant: 't', id: 'ann' };
const ctx = { tenant: 't', who: 'test', txn: 'x' };
const unique = { instance: 'zitadel', externalId: false };
const row = emptyRow(key, 0, { version: 3, confirmed: { username: 'ann' } });
const error = new BridgeError(403, 'this user is protected');
const NAME = { kind: 'name', name: 'bob', holder: { tenant: 't', id: 'bob' } } as const;
const bob = emptyRow(NAME.holder, 0, { version: 1, confirmed: { username: 'bob' } });

/** A context while ZITADEL is away: what is written is acknowledged. Each write gets the next result; then all are ok. */
function contextOf(results: readonly WriteResult[], over: Partial<SubmitContext> = {}) {
  const written: Write[] = [];
  const left = [...results];
  const clock = { now: 0 };
  const store = {
    read: async () => row,
    write: async (write: Write) => (written.push(write), left.shift() ?? ({ kind: 'ok' } as const)),
    counts: async () => ({ owed: 0 }),
    reservedBy: async () => undefined,
  } as unknown as Store;
  const context: SubmitContext = {
    requests: {
      tenant: 't',
      store,
      deliver: async () => assert.fail('nothing is sent while ZITADEL is away'),
      waiters: createWaiters(),
      availability: { unavailable: () => ({ kind: 'away', retryAfter: 5 }) } as never,
      whenDown: 'accept',
      peers: ALONE,
      scheduler: { at: () => undefined },
      clock: () => clock.now,
      ids: () => 'id',
      timing: TIMING,
    },
    unique,
    hasRoom: async () => true,
    refusalFor: () => undefined,
    holderOf: async () => bob,
    ...over,
  };
  return { context, written, clock };
}

const rename: Submission = {
  ctx,
  read: async () => row,
  make: (onto) => ({ onto, change: { kind: 'edit', facts: { username: 'bob' }, named: [] } }),
  deadline: 1_000,
};

test('a change is written on top of the row as it was read, and acknowledged while ZITADEL is away', async () => {
  const { context, written } = contextOf([]);
  assert.deepEqual(await submitChange(context, rename), { kind: 'accepted' });
  const [write] = written;
  assert.equal(write?.expect, 3);
  assert.deepEqual(
    write?.row?.pending.map(({ revision, facts, acknowledged }) => ({ revision, facts, acknowledged })),
    [{ revision: 4, facts: { username: 'bob' }, acknowledged: true }],
  );
});

test('a change that another request was faster than is made again from the row as it is then', async () => {
  const { context, written } = contextOf([{ kind: 'version' }]);
  const versions = [3, 7];
  const read = async (): Promise<Row> => emptyRow(key, 0, { ...row, version: versions.shift() ?? 0 });
  assert.deepEqual(await submitChange(context, { ...rename, read }), { kind: 'accepted' });
  assert.deepEqual(
    written.map(({ expect }) => expect),
    [3, 7],
  );
});

test('a change that loses until the deadline is contended, and nothing of it is kept', async () => {
  const { context, clock } = contextOf(Array.from({ length: 9 }, () => ({ kind: 'version' }) as const));
  const read = async (): Promise<Row> => ((clock.now += 400), row);
  assert.deepEqual(await submitChange(context, { ...rename, read }), { kind: 'contended' });
});

const OUTCOMES: readonly {
  readonly name: string;
  readonly results?: readonly WriteResult[];
  readonly over?: Partial<SubmitContext>;
  readonly submission?: Partial<Submission>;
  readonly outcome: unknown;
  readonly writes: number;
}[] = [
  {
    name: 'of a row that is not there: gone',
    submission: { read: async () => undefined },
    outcome: { kind: 'gone' },
    writes: 0,
  },
  {
    name: 'that changes nothing: unchanged',
    submission: { make: () => undefined },
    outcome: { kind: 'unchanged' },
    writes: 0,
  },
  {
    name: 'to a protected user: refused by the bridge, nothing is kept',
    over: { refusalFor: () => error },
    outcome: { kind: 'refused', by: 'bridge', error },
    writes: 0,
  },
  {
    name: 'to a name that another row keeps: taken',
    results: [NAME],
    outcome: { kind: 'taken', name: 'bob', holder: bob },
    writes: 1,
  },
  {
    name: 'to a name that came free meanwhile: accepted',
    results: [NAME],
    over: { holderOf: async () => undefined },
    outcome: { kind: 'accepted' },
    writes: 2,
  },
];

for (const { name, results = [], over, submission, outcome, writes } of OUTCOMES) {
  test(`a change ${name}`, async () => {
    const { context, written } = contextOf(results, over);
    assert.deepEqual(await submitChange(context, { ...rename, ...submission }), outcome);
    assert.equal(written.length, writes);
  });
}

/** A store of one row. */
function storeOf(first: Row): Store {
  let now = first;
  return {
    read: async () => now,
    async write({ expect, row: next }: Write) {
      if (expect !== now.version || next === null) return { kind: 'version' };
      now = next;
      return { kind: 'ok' };
    },
  } as unknown as Store;
}

test('an equal create gets the answer that never arrived, once; another create does not', async () => {
  const change = newChange(ctx, { revision: 1, kind: 'create', facts: { username: 'ann' }, named: [], at: 0 });
  const made = emptyRow(key, 0, { version: 1, pending: [change], replay: { hash: 'h', open: true } });
  const { context } = contextOf([]);
  const store = storeOf(made);
  const replays = createReplays({ ...context.requests, store }, unique);
  const first = replays.begin(key);
  assert.equal(await replays.adopt(made, 'other', 1_000), undefined);
  const waiting = replays.adopt(made, 'h', 1_000);
  await first(false);
  const second = await waiting;
  const read = await store.read(key);
  assert.deepEqual([read?.pending[0]?.acknowledged, read?.dueAt], [true, 0]);
  await second?.(true);
  assert.equal((await store.read(key))?.replay?.open, false);
  assert.equal(await replays.adopt(made, 'h', 1_000), undefined);
});

test('what ZITADEL says of a row is written although another row has reserved its name', async () => {
  const reservations: (readonly string[])[] = [];
  const store = {
    read: async () => row,
    async write({ index }: Write): Promise<WriteResult> {
      reservations.push(index.reservations);
      assert.ok(reservations.length < 5, 'the refused write is repeated');
      return index.reservations.includes('bob') ? NAME : { kind: 'ok' };
    },
  } as unknown as Store;
  const next = await updateRow(store, unique, key, (now) =>
    emptyRow(key, 0, { ...now, confirmed: { username: 'bob' } }),
  );
  assert.equal(next?.confirmed?.['username'], 'bob');
  assert.equal(reservations.length, 2);
});
