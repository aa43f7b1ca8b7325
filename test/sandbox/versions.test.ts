/** The sandbox answers as one of three ZITADELs that were measured (versions A, B and C), and its reads lose users when told. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Version } from '../../sandbox/errors.ts';
import { createSandbox } from '../../sandbox/server.ts';

const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
});

async function start(version: Version) {
  const sandbox = await createSandbox({ version, lag: false });
  ends.push(() => sandbox.close());
  const { url, seeds } = sandbox;
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${seeds.tokens.instanceOwner}` },
      body: JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const call = (method: string, body: object) => post(`zitadel.user.v2.UserService/${method}`, body);
  const create = (userId: string, over: object = {}) =>
    call('CreateUser', {
      organizationId: seeds.organizations.a,
      userId,
      username: userId,
      human: {
        profile: { givenName: 'A', familyName: 'B' },
        email: { email: `${userId}@c.test`, isVerified: true },
        ...over,
      },
    });
  const stored = async (id: string): Promise<string> => (await fetch(`${url}/sandbox/users/${id}`)).text();
  return { post, call, create, stored, seeds };
}

const MEASURED = {
  A: {
    blanks: /EMAIL-599BI/,
    display: /EMAIL-599BI/,
    hash: /USER-JDk4t/,
    org: /"id"/,
    empty: /value length/,
    beta: 200,
    v2: 404,
  },
  B: {
    blanks: /"id"/,
    display: /EMAIL-599GV/,
    hash: /CRYPT-r8Qm2/,
    org: /COMMAND-QXPGs/,
    empty: /setDate/,
    beta: 200,
    v2: 200,
  },
  C: {
    blanks: /"id"/,
    display: /EMAIL-599GV/,
    hash: /CRYPT-r8Qm2/,
    org: /COMMAND-QXPGs/,
    empty: /setDate/,
    beta: 200,
    v2: 200,
  },
} as const;

for (const version of ['A', 'B', 'C'] as const)
  test(`version ${version}: what differs between the servers`, async () => {
    const { post, call, create, stored, seeds } = await start(version);
    const expected = MEASURED[version];
    assert.match(
      (await create('blanks', { email: { email: ' blanks@c.test ', isVerified: true } })).text,
      expected.blanks,
    );
    if (version !== 'A') assert.match(await stored('blanks'), /" blanks@c\.test "/);
    assert.match(
      (await create('shown', { email: { email: 'S <s@c.test>', isVerified: true } })).text,
      expected.display,
    );
    assert.match((await create('hash', { hashedPassword: { hash: 'plain' } })).text, expected.hash);
    assert.match(
      (
        await call('CreateUser', {
          organizationId: 'none',
          userId: 'o',
          username: 'o',
          human: { profile: { givenName: 'A', familyName: 'B' }, email: { email: 'o@c.test', isVerified: true } },
        })
      ).text,
      expected.org,
    );
    await create('ann');
    await call('SetUserMetadata', { userId: 'ann', metadata: [{ key: 'k', value: 'dg==' }] });
    assert.match(
      (await call('SetUserMetadata', { userId: 'ann', metadata: [{ key: 'k', value: '' }] })).text,
      expected.empty,
    );
    assert.equal((await stored('ann')).includes('"k"'), version === 'A');
    const listed = JSON.parse((await call('ListUsers', { queries: [{ inUserIdsQuery: { userIds: ['ann'] } }] })).text);
    assert.equal(listed.details.totalResult, '1');
    for (const [name, status] of [
      ['v2beta', expected.beta],
      ['v2', expected.v2],
    ] as const)
      assert.equal((await post(`zitadel.project.${name}.ProjectService/ListProjects`, {})).status, status, name);
    const long = await create('long', { password: { password: `Aa1!${'x'.repeat(80)}` } });
    assert.equal(long.status, 500);
    assert.equal(JSON.parse(long.text).details?.length ?? 0, version === 'A' ? 0 : 1);
    assert.ok(seeds.organizations.a);
  });

test('reads lose a user, for a while or for good; commands and metadata go on', async () => {
  const { post, call, create } = await start('C');
  await post('sandbox/faults', { mode: 'lose', method: 'CreateUser', times: 1 });
  await create('lost');
  const get = async (): Promise<number> => (await call('GetUserByID', { userId: 'lost' })).status;
  assert.equal(await get(), 404);
  assert.match(
    (await call('ListUsers', { queries: [{ inUserIdsQuery: { userIds: ['lost'] } }] })).text,
    /^((?!"userId").)*$/s,
  );
  const commands: readonly (readonly [string, object, RegExp])[] = [
    ['UpdateUser', { human: {} }, /changeDate/],
    ['SetUserMetadata', { metadata: [{ key: 'k', value: 'dg==' }] }, /setDate/],
    ['ListUserMetadata', {}, /"k"/],
    ['DeactivateUser', {}, /details/],
    ['DeactivateUser', {}, /COMMAND-5gunjw0cd7/],
    ['UnlockUser', {}, /COMMAND-olb9vb0oca/],
  ];
  for (const [method, body, says] of commands)
    assert.match((await call(method, { userId: 'lost', ...body })).text, says);
  assert.match((await create('twin', {})).text, /"id"/);
  await post('sandbox/users/lost/lost', { lost: false });
  assert.equal(await get(), 200);
  await post('sandbox/faults', { mode: 'lose', method: 'SetUserMetadata', every: 2 });
  for (const expected of [200, 404]) {
    await call('SetUserMetadata', { userId: 'lost', metadata: [{ key: 'k', value: 'dg==' }] });
    assert.equal(await get(), expected, 'after every second write');
  }
  await post('sandbox/users/lost/lost', { ms: 0 });
  assert.equal(await get(), 200, 'its time is over');
});
