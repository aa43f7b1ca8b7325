/** A ZITADEL that answers far more than anybody asked for: nothing of it is believed, and nothing is left lying about. */
import assert from 'node:assert/strict';
import { createServer as createHttp } from 'node:http';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createTokens } from '../../src/zitadel/token.ts';
import { createWorld, creation, until, yes } from './world.ts';

const world = await createWorld();
after(() => world.close());

const MEGABYTE = Buffer.alloc(1024 * 1024);

/** Every call is answered 100 MB, with its length or without. `sent` counts megabytes, `open` the streams that nobody has ended. */
async function flood(withLength: boolean) {
  const streams = new Set<ServerHttp2Stream>();
  let sent = 0;
  const server = createServer();
  server.on('stream', (stream, headers) => {
    const grpc = String(headers['content-type']).startsWith('application/grpc');
    streams.add(stream);
    stream.on('error', () => {}).on('close', () => streams.delete(stream));
    stream.respond({
      ':status': 200,
      'content-type': grpc ? 'application/grpc+proto' : 'application/proto',
      ...(withLength && !grpc ? { 'content-length': String(100 * MEGABYTE.length) } : {}),
    });
    if (grpc) {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(100 * MEGABYTE.length, 1);
      stream.write(head);
    }
    let left = 100;
    const more = (): void => {
      while (left > 0 && !stream.closed) {
        left -= 1;
        sent += 1;
        if (!stream.write(MEGABYTE)) return void stream.once('drain', more);
      }
      if (!stream.closed) stream.end();
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = createConnection({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    maxInFlight: 8,
  });
  after(() => {
    connection.close();
    server.close();
  });
  return { connection, open: () => streams.size, sent: () => sent };
}

for (const withLength of [true, false])
  test(`100 MB ${withLength ? 'announced' : 'without a length'}: try again later; a write is in doubt`, async () => {
    const { connection, open, sent } = await flood(withLength);
    const zitadel = world.zitadel({ connection });
    const written = await zitadel.run('ann', creation('ann'), yes);
    assert.deepEqual(written, {
      kind: 'retry',
      definite: false,
      cause: 'answer',
      reason: 'CreateUser: UNKNOWN ZITADEL answered UNKNOWN: the answer was too large to be read',
    });
    // no call leaves its stream behind: unread bytes would fill the window of the session, and the next call would hang
    const isDone = (): Promise<void> => until(() => open() === 0, 'a stream stays open');
    await isDone();
    await assert.rejects(zitadel.metadata('ann'), /too large/);
    await isDone();
    for (let each = 0; each < 3; each += 1) {
      assert.equal((await zitadel.read('ann')).kind, 'retry');
      await isDone();
    }
    await assert.rejects(zitadel.users()[Symbol.asyncIterator]().next(), { status: 503 });
    await isDone();
    assert.equal((await zitadel.standing()).kind, 'retry');
    await isDone();
    assert.equal(zitadel.away(), undefined, 'ZITADEL has answered: the breaker stays closed');
    assert.ok(sent() < 18 * 17, `${sent()} MB were read`);
  });

test('a token endpoint that answers 100 MB: no token, nothing was sent', async () => {
  let closed = false;
  const server = createHttp((_request, response) => {
    response.on('close', () => (closed = true));
    const more = (): void => {
      while (!response.destroyed && response.write(MEGABYTE));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const result = await createTokens(url, { kind: 'client', id: 'id', secret: 'secret' }, 60_000).get();
  assert.equal(result.kind === 'failed' && result.failure.fate, 'never');
  await until(() => closed, 'the rest of the answer is still read');
});
