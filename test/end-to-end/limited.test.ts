import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { answered, type Client, type RunningBridge, startBridge } from './bridge.ts';
import { ada, applied, metadata, named, patch } from './people.ts';
import { queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// ZITADEL asks one tenant for fewer calls: its clients notice nothing, another tenant of the same ZITADEL does not either.
let sandbox: SandboxProcess;
let bridge: RunningBridge;
let directory: string;
let a: Client;
let b: Client;

before(async () => {
  sandbox = await startSandbox();
  directory = await mkdtemp(join(tmpdir(), 'bridge-'));
  const { organizations, tokens } = sandbox.seeds;
  const tenant = (id: string, organization: string, token: string): string => {
    const sha256 = createHash('sha256').update(`token-${id}`).digest('hex');
    return `  - { id: ${id}, organization: "${organization}", zitadel: { token: "${token}" }, tokens: [{ name: okta, sha256: "${sha256}" }] }`;
  };
  const yaml = [
    `zitadel: { url: "${sandbox.url}" }`,
    'tenants:',
    tenant('a', organizations.a, tokens.managerA),
    tenant('b', organizations.b, tokens.managerB),
  ];
  await writeFile(join(directory, 'bridge.yaml'), yaml.join('\n'));
  const unset = { SCIM_TOKEN: '', ZITADEL_URL: '', ZITADEL_TOKEN: '', ZITADEL_ORG_ID: '' };
  bridge = await startBridge(sandbox, {
    dataDir: directory,
    env: { ...unset, BRIDGE_CONFIG: join(directory, 'bridge.yaml') },
    timing: { backoffFirstMs: 20, backoffMaxMs: 200, probeMs: 50 },
  });
  a = bridge.client('token-a');
  b = bridge.client('token-b');
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
  await rm(directory, { recursive: true });
});
afterEach(() => sandbox.faults());

const titled = patch({ op: 'replace', path: 'title', value: 'Countess' });
const isPaused = async (tenant: string): Promise<boolean> =>
  (await bridge.metrics()).includes(`scim_bridge_unavailable{tenant="${tenant}",kind="rate_limited"} 1`);

for (const [who, how] of [
  ['ZITADEL', { code: 'RESOURCE_EXHAUSTED' }],
  ['a proxy in front of it', { status: 429 }],
] as const)
  test(`429 of ${who}: the tenant pauses as long as it says, is answered meanwhile, then all is delivered`, async () => {
    const [one, two, other] = [
      await answered(201, a('POST', '/Users', ada())),
      await answered(201, a('POST', '/Users', ada())),
      await answered(201, b('POST', '/Users', ada())),
    ];
    const from = (await sandbox.log()).length;
    await sandbox.faults({ mode: 'error', ...how, retryAfter: 2, method: 'SetUserMetadata', times: 1 });
    const asked = Date.now();
    await answered(200, a('PATCH', `/Users/${one.id}`, titled));
    await answered(200, a('PATCH', `/Users/${two.id}`, titled));
    const made = await answered(201, a('POST', '/Users', ada()));
    assert.equal((await answered(200, a('GET', `/Users/${two.id}`))).title, 'Countess');
    await answered(200, b('PATCH', `/Users/${other.id}`, titled));
    assert.equal((await metadata(sandbox, other.id))['title'], 'Countess');
    assert.deepEqual([await isPaused('a'), await isPaused('b')], [true, false]);
    assert.equal((await queue(bridge, 'pending')).length, 3);

    await settled(bridge);
    assert.equal(await isPaused('a'), false);
    for (const { id } of [one, two]) assert.deepEqual(await applied(sandbox, id, from), ['SetUserMetadata']);
    assert.deepEqual(
      (await named(sandbox, made.userName)).map(({ userId }) => userId),
      [made.id],
    );
    const own = new Set([one.id, two.id, made.id]);
    const calls = (await sandbox.log()).slice(from).filter(({ userId }) => own.has(userId));
    const [first, ...later] = calls;
    assert.equal(first?.applied, null);
    assert.ok(
      later.every(({ began }) => began >= asked + 2_000),
      'nothing of this tenant is sent before its time',
    );
    assert.ok((await bridge.metrics()).includes('scim_bridge_breaker_open{instance="'));
    assert.doesNotMatch(await bridge.metrics(), /scim_bridge_breaker_open\{[^}]*\} 1/);
  });
