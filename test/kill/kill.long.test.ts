import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf } from './report.ts';
import { run } from './run.ts';

test('kill -9 under load, ZITADEL failing and away: nothing answered is lost, doubled or older in the end', async (t) => {
  const seed = Math.floor(Math.random() * 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const tell = (line: string): void => t.diagnostic(line);
  const outcome = await run({
    seed,
    rounds: 3,
    extra: 0,
    users: 20,
    clients: 8,
    groups: 6,
    groupClients: 4,
    patience: 480_000,
    tell,
  });
  const report = reportOf(outcome, { what: 'users hit in each window', counts: outcome.windows });
  t.diagnostic(report);
  assert.deepEqual(
    [outcome.violations, outcome.faults],
    [[], []],
    `${report}\noutputs, store and evidence: ${outcome.folder}`,
  );
});
