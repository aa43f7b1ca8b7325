import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createWorld, creation, yes } from './world.ts';

const world = await createWorld();
const sockets = new Set<Socket>();
/** they stay open and carry nothing any more, as when a route is gone */
const lost = new Set<Socket>();

const route = createServer((client) => {
  const server = connect(world.sandbox.port, '127.0.0.1');
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    sockets.add(from);
    from.on('data', (bytes) => lost.has(from) || to.write(bytes));
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
});
const { promise: listening, resolve } = Promise.withResolvers<void>();
route.listen(0, '127.0.0.1', resolve);
await listening;
after(async () => {
  for (const each of sockets) each.destroy();
  route.close();
  await world.close();
});

const connection = createConnection({
  url: `http://127.0.0.1:${(route.address() as AddressInfo).port}`,
  maxInFlight: 8,
});
after(() => connection.close());
const zitadel = world.zitadel({ connection });
const hurried = world.zitadel({ connection, limits: { readMs: 200, writeMs: 200 } });

test('a session that fell silent is replaced: the next call goes through', async () => {
  assert.deepEqual(await zitadel.run('first', creation('first'), yes), { kind: 'done' });
  for (const each of sockets) lost.add(each);
  assert.equal((await hurried.read('first')).kind, 'retry');
  assert.equal((await zitadel.read('first')).kind, 'found');
});

test('connections that break under many calls: no call lies, and calls go through again', async () => {
  const ids = Array.from({ length: 200 }, (_, at) => `broken-${at}`);
  const outcomes = await Promise.all(
    ids.map(async (id, at) => {
      if (at % 20 === 10) for (const each of sockets) each.destroy();
      return [id, await zitadel.run(id, creation(id), yes)] as const;
    }),
  );
  const direct = world.zitadel();
  for (const [id, outcome] of outcomes) {
    const there = (await direct.read(id)).kind === 'found';
    if (outcome.kind === 'done') assert.ok(there, id);
    else assert.ok(outcome.kind === 'retry' && !(outcome.definite && there), `${id}: ${JSON.stringify(outcome)}`);
  }
  assert.deepEqual(await zitadel.run('after', creation('after'), yes), { kind: 'done' });
});
