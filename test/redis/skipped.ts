/** A reporter for node:test: says at the end, with a count, what was skipped for want of redis-server. .ci/run looks for its first words. */
import type { TestEvent } from 'node:test/reporters';
import { NO_REDIS } from './server.ts';

export default async function* skipped(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const names: string[] = [];
  for await (const event of events) {
    if (event.type === 'test:pass' && event.data.skip === NO_REDIS) names.push(event.data.name);
  }
  if (names.length > 0) yield `SKIPPED ${names.length} suites for want of redis-server: ${names.join('; ')}\n`;
}
