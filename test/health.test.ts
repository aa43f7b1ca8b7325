import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import express from 'express';
import request from 'supertest';
import { createHealth, type NotReady } from '../src/server/health.ts';
import { NO_COUNTS } from '../src/store/conditions.ts';
import { createMetrics, type TenantMetrics } from '../src/server/metrics.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function app(notReady: readonly NotReady[] = []) {
  const acme = {
    tenant: 'acme',
    counts: { rows: 9, pending: 2, inDoubt: 1, deadLetter: 4, onHold: 5, blocked: 6, hidden: 0 },
  };
  const sync = { running: true, finished: NOW - 61_000 };
  const store = { works: true };
  const counts = async (): Promise<readonly TenantMetrics[]> => {
    if (!store.works) throw new Error('the disk is full');
    return [
      { ...acme, oldestPending: NOW - 90_000, unavailable: { kind: 'suspended' }, sync },
      { tenant: 'zeta', counts: NO_COUNTS, sync: { running: false, finished: null } },
    ];
  };
  const metrics = createMetrics(counts, () => NOW);
  return { metrics, store, app: express().use(createHealth({ notReady: () => notReady, scrape: metrics.scrape })) };
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
  metrics.sync({ tenant: 'acme', seen: 100, changed: 7, finished: 5000 });
  metrics.breaker('https://id.example.com', true);
  metrics.breaker('https://other.example.com', false);
  const { text, status, type } = await request(server).get('/metrics');
  assert.deepEqual([status, type], [200, 'text/plain']);
  for (const line of [
    'scim_bridge_request_seconds_count{method="PATCH",route="/Users/:id",status="200"} 1',
    'scim_bridge_request_seconds_count{method="other",route="/Users",status="405"} 1',
    'scim_bridge_zitadel_call_seconds_count{call="CreateUser",outcome="done"} 1',
    'scim_bridge_deliveries_total{tenant="acme",outcome="done"} 1',
    'scim_bridge_rows{tenant="acme"} 9',
    'scim_bridge_pending_rows{tenant="acme"} 2',
    'scim_bridge_in_doubt_rows{tenant="acme"} 1',
    'scim_bridge_dead_letter_rows{tenant="acme"} 4',
    'scim_bridge_on_hold_rows{tenant="acme"} 5',
    'scim_bridge_blocked_rows{tenant="acme"} 6',
    'scim_bridge_pending_oldest_seconds{tenant="acme"} 90',
    'scim_bridge_pending_oldest_seconds{tenant="zeta"} 0',
    'scim_bridge_unavailable{tenant="acme",kind="suspended"} 1',
    'scim_bridge_unavailable{tenant="acme",kind="unreachable"} 0',
    'scim_bridge_unavailable{tenant="zeta",kind="rate_limited"} 0',
    'scim_bridge_breaker_open{instance="https://id.example.com"} 1',
    'scim_bridge_breaker_open{instance="https://other.example.com"} 0',
    'scim_bridge_store_failing 0',
    'scim_bridge_sync_running{tenant="acme"} 1',
    'scim_bridge_sync_age_seconds{tenant="acme"} 61',
    'scim_bridge_sync_seen{tenant="acme"} 100',
    'scim_bridge_sync_changed{tenant="acme"} 7',
    'scim_bridge_sync_finished_timestamp_seconds{tenant="acme"} 5',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.ok(!text.includes('scim_bridge_sync_age_seconds{tenant="zeta"}'), 'no sync ever finished: it has no age');
});

test('GET /metrics: no label takes values without end, nor text that is no code', async () => {
  const { app: server, metrics } = app();
  for (let n = 0; n < 1_000; n++) {
    metrics.call('GetUserByID', `QUERY-${n}`, 1);
    metrics.request(`M${n}`, '/Users', 405, 1);
  }
  metrics.call('CreateUser', 'ada@example.com', 1);
  const { text } = await request(server).get('/metrics');
  const outcomes = text.match(/^scim_bridge_zitadel_call_seconds_count\{.*$/gm) ?? [];
  assert.equal(outcomes.length, 202);
  assert.ok(outcomes.includes('scim_bridge_zitadel_call_seconds_count{call="GetUserByID",outcome="other"} 800'));
  assert.ok(outcomes.includes('scim_bridge_zitadel_call_seconds_count{call="CreateUser",outcome="other"} 1'));
  assert.equal(text.match(/^scim_bridge_request_seconds_count\{/gm)?.length, 1);
  assert.doesNotMatch(text, /ada@/);
});

test('GET /metrics while the store fails: what it would tell is left out, the rest is told', async () => {
  const { app: server, metrics, store } = app();
  metrics.breaker('https://id.example.com', true);
  await request(server).get('/metrics');
  store.works = false;
  const { text, status } = await request(server).get('/metrics');
  assert.equal(status, 200);
  assert.ok(text.includes('scim_bridge_store_failing 1\n'));
  assert.ok(text.includes('scim_bridge_breaker_open{instance="https://id.example.com"} 1\n'));
  assert.doesNotMatch(text, /^scim_bridge_(pending|rows|dead_letter|sync_age)\w*\{/m);
  store.works = true;
  assert.match((await request(server).get('/metrics')).text, /^scim_bridge_pending_rows\{tenant="acme"\} 2$/m);
});

test('docs/operations.md lists every metric, and no other', async () => {
  const { body } = await createMetrics(() => Promise.resolve([])).scrape();
  const names = [...body.matchAll(/^# TYPE (scim_bridge_\w+)/gm)].map(([, name]) => name);
  const text = readFileSync('docs/operations.md', 'utf8');
  const listed = [...text.matchAll(/scim_bridge_\w+/g)].map(([name]) => name);
  assert.deepEqual(new Set(listed), new Set(names));
});
