/** The breaker over real connections: a sandbox that goes away and comes back, and sockets that answer nothing. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, afterEach, beforeEach, test } from 'node:test';
import type { Outcome } from '../../src/bridge/ports/zitadel.ts';
import { type Connection, type ConnectionOptions, createConnection } from '../../src/zitadel/connection.ts';
import { createWorld, creation, until, yes } from './world.ts';

const world = await createWorld();
after(() => world.close());
beforeEach(() => world.faults());

const OPEN: Outcome = { kind: 'retry', definite: true, cause: 'away', reason: 'breaker-open' };
/** Waited for to the end where ZITADEL hangs; what it answers comes sooner, also on a busy machine. */
const SHORT = { readMs: 1_000, writeMs: 1_000, slotMs: 60_000 };
/** no probe, unless a test wants one */
const QUIET = { probeMs: 3_600_000 };

const connections: Connection[] = [];
afterEach(() => {
  for (const each of connections.splice(0)) each.close();
});

function connect(options: Partial<ConnectionOptions> = {}) {
  const connection = createConnection({ url: world.sandbox.url, maxInFlight: 8, breaker: QUIET, ...options });
  connections.push(connection);
  const changes: boolean[] = [];
  connection.breaker.onChange((open) => changes.push(open));
  return { connection, changes, zitadel: world.zitadel({ connection, limits: SHORT }) };
}

const causeOf = (outcome: { readonly kind: string }): unknown => ('cause' in outcome ? outcome.cause : outcome.kind);
const calls = async (): Promise<number> =>
  Object.values((await world.control('calls')) as Record<string, number>).reduce((sum, each) => sum + each, 0);

test('down: opens after five calls over two rows, and lets nothing out', async () => {
  const { zitadel, connection } = connect();
  assert.deepEqual(await zitadel.standing(), { kind: 'able' });
  await world.faults({ mode: 'down' });
  for (const id of ['a', 'a', 'b', 'a']) {
    assert.equal(causeOf(await zitadel.run(id, creation(id), yes)), 'away');
    assert.equal(zitadel.away(), undefined);
  }
  assert.equal(causeOf(await zitadel.run('a', creation('a'), yes)), 'away');
  assert.match(zitadel.away() ?? '', /^5 calls in a row got no answer; the last: CreateUser: /);
  assert.ok(Number(connection.breaker.open()?.since) <= Date.now());

  await world.faults();
  await world.control('calls', {});
  let proceeded = 0;
  const counting = (): Promise<boolean> => {
    proceeded += 1;
    return yes();
  };
  assert.deepEqual(await zitadel.run('a', creation('a'), counting), OPEN);
  assert.deepEqual(await zitadel.read('a'), OPEN);
  assert.deepEqual(await zitadel.find('userName', 'a'), OPEN);
  assert.deepEqual(await zitadel.standing(), OPEN);
  await assert.rejects(zitadel.metadata('a'), { status: 503 });
  await assert.rejects(zitadel.users()[Symbol.asyncIterator]().next(), { status: 503 });
  assert.deepEqual([await calls(), proceeded], [0, 0]);
});

test('one row alone does not open it', async () => {
  const { zitadel } = connect();
  await world.faults({ mode: 'down' });
  for (let each = 0; each < 10; each += 1) await zitadel.run('a', creation('a'), yes);
  assert.equal(zitadel.away(), undefined);
});

test('answers never open it, whatever they say; a proxy that says that ZITADEL is away is no answer', async () => {
  const { zitadel } = connect();
  for (const fault of [
    { mode: 'error', code: 'INTERNAL' },
    { mode: 'error', code: 'UNAVAILABLE' },
    { mode: 'error', code: 'UNKNOWN' },
    { mode: 'error', code: 'RESOURCE_EXHAUSTED' },
    { mode: 'error', status: 429 },
    { mode: 'error', status: 500 },
    { mode: 'error', status: 404 },
  ] as const) {
    await world.faults(fault);
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await zitadel.run(id, creation(id), yes);
    assert.equal(zitadel.away(), undefined, JSON.stringify(fault));
  }
  await world.faults({ mode: 'error', status: 503 });
  for (const id of ['a', 'b', 'c', 'd', 'e']) await zitadel.run(id, creation(id), yes);
  assert.notEqual(zitadel.away(), undefined);
});

test('an answer in between begins the count anew', async () => {
  const { zitadel } = connect();
  await world.faults({ hang: true, method: 'CreateUser' });
  for (const id of ['a', 'b', 'c', 'd']) await zitadel.run(id, creation(id), yes);
  assert.equal((await zitadel.read('nobody')).kind, 'gone');
  for (const id of ['a', 'b', 'c', 'd']) await zitadel.run(id, creation(id), yes);
  assert.equal(zitadel.away(), undefined);
});

test('who waits for a slot is told at once when it opens, and so is who has one and is not sent yet', async () => {
  const { zitadel, connection } = connect({ maxInFlight: 6 });
  await world.faults({ hang: true });
  const { promise: held, resolve: release } = Promise.withResolvers<boolean>();
  const holding = zitadel.run('held', creation('held'), () => held);
  const hanging = ['a', 'b', 'c', 'd', 'e'].map((id) => zitadel.run(id, creation(id), yes));
  const waiting = Array.from({ length: 20 }, (_, at) => zitadel.run(`w${at}`, creation(`w${at}`), yes));
  assert.deepEqual((await Promise.all(hanging)).map(causeOf), Array(5).fill('away'));
  // a slot that came free before the fifth failure sent one more
  const [sent, unsent] = [4, 16];
  const outcomes = await Promise.all(waiting);
  assert.deepEqual(outcomes.slice(0, sent).map(causeOf), Array(sent).fill('away'));
  assert.equal(outcomes.length, sent + unsent);
  for (const outcome of outcomes.slice(sent)) assert.deepEqual(outcome, OPEN);
  assert.notEqual(connection.breaker.open(), undefined);
  await world.control('calls', {});
  release(true);
  assert.deepEqual(await holding, OPEN);
  assert.equal(await calls(), 0);
});

test('open with all slots taken: nobody waits for one, nor does the probe', async () => {
  const { zitadel, connection } = connect({ maxInFlight: 1, breaker: { probeMs: 2 } });
  await world.faults({ hang: true });
  const { promise: held, resolve: release } = Promise.withResolvers<boolean>();
  const holding = zitadel.run('held', creation('held'), () => held);
  const waiting = zitadel.run('waits', creation('waits'), yes);
  for (const subject of ['a', 'b', 'c', 'd', 'e']) connection.breaker.begin(subject).silent('nothing');
  assert.deepEqual(await waiting, OPEN);
  assert.deepEqual(await zitadel.run('late', creation('late'), yes), OPEN);
  await world.faults();
  await until(() => zitadel.away() === undefined);
  release(true);
  assert.deepEqual(await holding, { kind: 'done' });
});

test('the probe finds that ZITADEL is back: closes, tells, and calls go through', async () => {
  const { zitadel, changes } = connect({ breaker: { probeMs: 2 } });
  assert.equal((await zitadel.protectedUsers()).reasons.size, 1);
  await world.faults({ mode: 'down' });
  for (const id of ['a', 'b', 'c', 'd', 'e']) await zitadel.run(id, creation(id), yes);
  assert.notEqual(zitadel.away(), undefined);
  assert.deepEqual(changes, [true]);
  await world.faults();
  await until(() => zitadel.away() === undefined);
  assert.deepEqual(changes, [true, false]);
  assert.deepEqual(await zitadel.run('back', creation('back'), yes), { kind: 'done' });
});

test('a refusal shows that ZITADEL is back as well', async () => {
  const token = world.sandbox.seeds.tokens.managerA;
  const { zitadel } = connect({ breaker: { probeMs: 2 } });
  await world.faults({ hang: true });
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => zitadel.run(id, creation(id), yes)));
  assert.notEqual(zitadel.away(), undefined);
  await world.control('tokens', { token, revoked: true });
  await world.faults();
  await until(() => zitadel.away() === undefined);
  await world.control('tokens', { token, revoked: false });
});

test('without a slot: it neither counts nor begins the count anew, and nobody waits past its time', async () => {
  const connection = createConnection({ url: world.sandbox.url, maxInFlight: 1, breaker: QUIET });
  connections.push(connection);
  const patient = world.zitadel({ connection, limits: { writeMs: 3_000 } });
  const hurried = world.zitadel({ connection, limits: { slotMs: 1 } });
  await world.faults({ hang: true });
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    assert.equal(patient.away(), undefined);
    const hanging = patient.run(id, creation(id), yes);
    for (const other of ['x', 'y', 'z', 'u', 'v', 'w'])
      assert.deepEqual(await hurried.run(other, creation(other), yes), { ...OPEN, reason: 'no-slot' });
    await hanging;
  }
  assert.notEqual(patient.away(), undefined);
});

/** A port that does with each connection what it is told. */
async function socketServer(
  accept: (socket: Socket) => void,
): Promise<{ server: Server; sockets: Set<Socket>; url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // read, so that its end is seen
    socket
      .on('error', () => {})
      .on('close', () => sockets.delete(socket))
      .resume();
    accept(socket);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  after(() => {
    for (const each of sockets) each.destroy();
    server.close();
  });
  return { server, sockets, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('a storm of refused connections leaves nothing behind', async () => {
  const { server, url } = await socketServer(() => {});
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  await closed;
  const before = process.getActiveResourcesInfo().length;
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  const { zitadel, connection } = connect({ url, breaker: { probeMs: 1 } });
  for (let each = 0; each < 200; each += 1)
    await Promise.all(['a', 'b', 'c'].map((id) => zitadel.run(id, creation(id), yes)));
  assert.match(zitadel.away() ?? '', /ECONNREFUSED/);
  let probes = 0;
  const counted = connection.session.request;
  connection.session.request = (...request) => {
    probes += 1;
    return counted(...request);
  };
  await until(() => probes > 300);
  connection.close();
  await until(() => process.getActiveResourcesInfo().length <= before, 'resources stay');
  process.off('uncaughtException', note).off('unhandledRejection', note);
  assert.deepEqual(uncaught, []);
});

test('sockets that accept and say nothing: each probe tries a fresh one, and those left behind are closed', async () => {
  let made = 0;
  const { sockets, url } = await socketServer(() => {
    made += 1;
  });
  const { connection } = connect({ url, breaker: { probeMs: 1 }, lingerMs: 20 });
  const hurried = world.zitadel({ connection, limits: { readMs: 10, writeMs: 10 } });
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => hurried.run(id, creation(id), yes)));
  assert.notEqual(hurried.away(), undefined);
  const from = made;
  await until(() => made > from + 10 && sockets.size < made - 10, 'none of them is closed');
  connection.close();
  await until(() => sockets.size === 0, 'sockets stay open');
});

test('sockets that are reset at once, and names that nobody knows', async () => {
  const { url } = await socketServer((socket) => socket.resetAndDestroy());
  for (const each of [url, 'http://nowhere.invalid']) {
    const { zitadel } = connect({ url: each });
    const outcomes = [];
    for (const id of ['a', 'b', 'c', 'd', 'e']) outcomes.push(await zitadel.run(id, creation(id), yes));
    assert.deepEqual(outcomes.map(causeOf), Array(5).fill('away'), each);
    assert.notEqual(zitadel.away(), undefined, each);
  }
});

test('no token can be fetched: that is an outage too', async () => {
  const { connection } = connect();
  const { id, secret } = world.sandbox.seeds.client;
  const zitadel = world.zitadel({ connection, credential: { kind: 'client', id, secret } });
  await world.faults({ mode: 'down' });
  for (const each of ['a', 'b', 'c', 'd', 'e']) {
    const outcome = await zitadel.run(each, creation(each), yes);
    assert.deepEqual([causeOf(outcome), outcome.kind === 'retry' && outcome.definite], ['away', true]);
  }
  assert.match(zitadel.away() ?? '', /token: UNAVAILABLE fetch failed/);
});

test('who waits for a turn hears at once that nothing is sent, whatever becomes of the call before', async () => {
  const { zitadel, connection } = connect();
  const credential = { kind: 'token', token: world.sandbox.seeds.tokens.ownerA } as const;
  const members = world.zitadel({ connection, credential, limits: { ...SHORT, writeMs: 600_000 } });
  for (const id of ['turn-1', 'turn-2']) await zitadel.run(id, creation(id), yes);
  await world.faults({ hang: true });
  const right = { roles: ['ORG_OWNER_VIEWER'] };
  const step = { call: 'CreateAdministrator', set: {}, right, names: [], after: {} } as const;
  let first: Outcome | undefined;
  const hanging = (async () => {
    first = await members.run('turn-1', step, yes);
  })();
  const waiting = Array.from({ length: 5 }, () => members.run('turn-2', step, yes));
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => zitadel.find('userName', id)));
  await Promise.all(['turn-1', 'turn-2', 'a'].map((id) => zitadel.read(id)));
  for (const outcome of await Promise.all(waiting)) assert.deepEqual(outcome, OPEN);
  assert.equal(first, undefined);
  connection.close();
  await hanging;
});
