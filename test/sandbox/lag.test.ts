import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryStore } from '../../sandbox/store.ts';
import { createTable } from '../../sandbox/tables.ts';
import { createLag, MEASURED_LAG } from '../../sandbox/lag.ts';
import { createRandom } from '../../sandbox/random.ts';
import { createSandbox } from '../../sandbox/server.ts';
import { SERVICES, answered, call } from './stage.ts';
import type { Json } from './stage.ts';

describe('lag of lists', () => {
  it('draws 5-40 ms idle and 50-500 ms under load', () => {
    let time = 0;
    const lag = createLag(MEASURED_LAG, () => time, createRandom(1));
    for (let n = 0; n < 100; n += 1) {
      time += 300;
      const drawn = lag();
      assert(drawn >= 5 && drawn <= 40, `${drawn}`);
    }
    for (let n = 0; n < 100; n += 1) {
      time += 3;
      lag();
    }
    for (let n = 0; n < 100; n += 1) {
      time += 3;
      const drawn = lag();
      assert(drawn >= 50 && drawn <= 500, `${drawn}`);
    }
  });

  it('shows a table as it was, in the order of its writes', () => {
    let time = 0;
    const table = createTable<string>(
      't',
      createMemoryStore(),
      () => 10,
      () => time,
    );
    table.set('a', 'one');
    time = 5;
    table.set('a', 'two');
    table.set('b', 'one');
    assert.equal(table.get('a'), 'two');
    assert.deepEqual([...table.seen()], []);
    time = 10;
    assert.deepEqual([...table.seen()], [['a', 'one']]);
    time = 15;
    table.delete('b');
    assert.deepEqual(
      [...table.seen()],
      [
        ['a', 'two'],
        ['b', 'one'],
      ],
    );
    time = 25;
    assert.deepEqual([...table.seen()], [['a', 'two']]);
  });

  it('GetUserByID knows at once what ListUsers shows later', async () => {
    let time = Date.now();
    const sandbox = await createSandbox({ lag: { idle: 40, max: 500 }, clock: () => time });
    try {
      const { organizations, tokens } = sandbox.seeds;
      const options = { token: tokens.managerA };
      const send = async (method: string, request: Json): Promise<Json> =>
        answered(await call(sandbox, SERVICES.user, method, request, options));
      const human = {
        profile: { givenName: 'Ann', familyName: 'Alpha' },
        email: { email: 'ann@example.test', isVerified: true },
      };
      await send('CreateUser', { organizationId: organizations.a, userId: 'late', username: 'late', human });
      assert((await send('GetUserByID', { userId: 'late' })).user);
      const queries = [{ inUserIdsQuery: { userIds: ['late'] } }];
      assert.equal((await send('ListUsers', { queries })).result, undefined);
      time += 41;
      assert(((await send('ListUsers', { queries })).result as Json[])[0]);
    } finally {
      await sandbox.close();
    }
  });
});
