import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TOKEN } from './bridge.ts';
import { startProcess } from './process.ts';
import { startSandbox } from './sandbox.ts';
import { until } from './until.ts';

test('METRICS_PORT: /metrics is there and nothing else; the port of clients has it under no spelling', async (t) => {
  const sandbox = await startSandbox();
  const dataDir = await mkdtemp(join(tmpdir(), 'bridge-'));
  const bridge = await startProcess(sandbox, dataDir, { METRICS_PORT: '0' });
  t.after(async () => {
    await bridge.kill();
    await sandbox.stop();
    await rm(dataDir, { recursive: true });
  });
  let metrics = '';
  await until(() => {
    metrics = /"address":"([^"]+)","msg":"metrics are served"/.exec(bridge.output())?.[1] ?? '';
    return metrics !== '';
  });
  const clients = new URL(bridge.base).origin;
  assert.notEqual(metrics, clients);
  assert.match(await (await fetch(`${metrics}/metrics`)).text(), /^scim_bridge_rows\{tenant="default"\} \d+$/m);
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (const path of ['/', '/healthz', '/readyz', '/scim/v2/Users', '/admin/queues'])
    assert.equal((await fetch(metrics + path, { headers })).status, 404, path);
  for (const path of ['/metrics', '/METRICS', '/metrics/', '/Metrics/', '/%6detrics', '//metrics', '/metrics?x=1']) {
    const answer = await fetch(clients + path);
    assert.equal(answer.status, 404, path);
    assert.doesNotMatch(await answer.text(), /scim_bridge/, path);
  }
  assert.equal(await bridge.kill('SIGTERM'), 0, 'both ports are closed at the end');
});
