import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLatency } from '../../sandbox/latency.ts';
import { createRandom } from '../../sandbox/random.ts';

describe('latency of the sandbox', () => {
  it('makes calls queue for two cores', async () => {
    const latency = createLatency(createRandom(1));
    const time = async (calls: number): Promise<number> => {
      const start = performance.now();
      await Promise.all(Array.from({ length: calls }, () => latency({ method: 'GetUserByID' })));
      return performance.now() - start;
    };
    const alone = await time(1);
    assert(alone >= 2, `${alone} ms`);
    const together = await time(16);
    assert(together >= 40, `${together} ms`);
  });

  it('takes longer for a list of many and for a clear password', async () => {
    const latency = createLatency(createRandom(1));
    const start = performance.now();
    await latency({ method: 'ListUsers', scanned: 2000 });
    assert(performance.now() - start >= 90);
    await latency({ method: 'CreateUser', password: true });
    assert(performance.now() - start >= 600);
  });
});
