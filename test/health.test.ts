import assert from 'node:assert/strict';
import { test } from 'node:test';
import express from 'express';
import request from 'supertest';
import { createHealth, type NotReady } from '../src/health.ts';
import { createMetrics } from '../src/metrics.ts';

function app(notReady: readonly NotReady[] = []) {
  const metrics = createMetrics(async () => [{ tenant: 'acme', rows: 3, owed: 2, doubt: 1 }]);
  return { metrics, app: express().use(createHealth({ notReady: () => notReady, scrape: metrics.scrape })) };
}

test('GET /healthz says that the process lives', async () => {
  const answer = await request(app([{ reason: 'first sync runs' }]).app).get('/healthz');
  assert.deepEqual([answer.status, answer.body], [200, { status: 'ok' }]);
});

test('GET /readyz is 200 when requests can be served', async () => {
  const answer = await request(app().app).get('/readyz');
  assert.deepEqual([answer.status, answer.body], [200, { status: 'ready' }]);
});

test('GET /readyz is 503 with its reasons when not', async () => {
  const reasons = [{ tenant: 'acme', reason: 'first sync runs' }];
  const answer = await request(app(reasons).app).get('/readyz');
  assert.deepEqual([answer.status, answer.body], [503, { status: 'not ready', reasons }]);
  assert.match(answer.get('Retry-After') ?? '', /^\d+$/);
});

test('GET /metrics has what was reported and what the store counts', async () => {
  const { app: server, metrics } = app();
  metrics.request('PATCH', '/Users/:id', 200, 12);
  metrics.request('BREW', '/Users', 405, 1);
  metrics.call('CreateUser', 'done', 40);
  metrics.delivery('acme', 'done');
  metrics.sync({ tenant: 'acme', seen: 100, finished: 5000 });
  const { text, status, type } = await request(server).get('/metrics');
  assert.deepEqual([status, type], [200, 'text/plain']);
  for (const line of [
    'scim_bridge_request_seconds_count{method="PATCH",route="/Users/:id",status="200"} 1',
    'scim_bridge_request_seconds_count{method="other",route="/Users",status="405"} 1',
    'scim_bridge_zitadel_call_seconds_count{call="CreateUser",outcome="done"} 1',
    'scim_bridge_deliveries_total{tenant="acme",outcome="done"} 1',
    'scim_bridge_rows{tenant="acme"} 3',
    'scim_bridge_owed_rows{tenant="acme"} 2',
    'scim_bridge_doubt_rows{tenant="acme"} 1',
    'scim_bridge_sync_seen{tenant="acme"} 100',
    'scim_bridge_sync_finished_timestamp_seconds{tenant="acme"} 5',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});
