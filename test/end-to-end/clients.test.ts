import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { playExchanges } from '../idp/play.ts';
import { type RunningBridge, startBridge, TOKEN } from './bridge.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

let sandbox: SandboxProcess;
let bridge: RunningBridge;

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox);
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

test('what clients send becomes ZITADEL calls and is read back as sent', (t) =>
  playExchanges(bridge.base, TOKEN, (name, play) => t.test(name, play)));

test('beside the base path the answer is a SCIM error too', async () => {
  for (const path of ['', '/v1/Users', '/v3', '/%E0%A4%A']) {
    const answer = await fetch(`${new URL(bridge.base).origin}/scim${path}`);
    assert.equal(answer.status, 404);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/scim\+json/);
  }
});

test('a filter of 10,000 characters is read by POST, an address of more than 16 KB is a SCIM error', async () => {
  const filter = (characters: number): string => `userName eq "${'ä'.repeat(characters - 14)}"`;
  const search = (characters: number) => bridge.scim('POST', '/Users/.search', { filter: filter(characters) });
  assert.equal((await search(10_000)).status, 200);
  assert.equal((await search(10_001)).body.scimType, 'invalidFilter');
  const get = (characters: number) => bridge.scim('GET', `/Users?filter=${encodeURIComponent(filter(characters))}`);
  assert.equal((await get(2_500)).status, 200);
  assert.equal((await get(3_000)).body.status, '431');
});
