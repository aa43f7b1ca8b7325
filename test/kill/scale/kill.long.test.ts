import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutRedis } from '../../redis/server.ts';
import { reportOf } from '../report.ts';
import { overlapsTold } from './report.ts';
import { run } from './run.ts';

test('many processes on one Redis, killed and frozen under load: nothing answered is lost, doubled or older in the end', {
  skip: withoutRedis(),
}, async (t) => {
  const seed = Math.floor(Math.random() * 1_000_000);
  t.diagnostic(`seed ${seed}`);
  const tell = (line: string): void => t.diagnostic(line);
  const outcome = await run({
    seed,
    rounds: 5,
    users: 20,
    clients: 6,
    groups: 5,
    groupClients: 3,
    patience: 480_000,
    tell,
  });
  const report = `${reportOf(outcome, outcome.conditions)}\n${overlapsTold(outcome.overlaps)}`;
  t.diagnostic(report);
  assert.deepEqual(
    [outcome.violations, outcome.faults],
    [[], []],
    `${report}\noutputs and evidence: ${outcome.folder}`,
  );
});
