import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { QUIRKS } from '../../src/scim/quirks.ts';
import { TOKEN, serve } from '../scim/serve.ts';
import { exchangeNames, playExchanges, readExchange } from './play.ts';

test('THE QUIRKS TABLE has one exchange per row, which names the same document', () => {
  assert.deepEqual(exchangeNames(), QUIRKS.map(({ client, shape }) => `${client}/${shape}`).toSorted());
  for (const { client, shape, document } of QUIRKS) assert.equal(readExchange(`${client}/${shape}`).source, document);
});

test('what clients send', async (t) => {
  const server = serve().app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await playExchanges(`http://127.0.0.1:${port}/scim/v2`, TOKEN, (name, play) => t.test(name, play));
  server.close();
});
