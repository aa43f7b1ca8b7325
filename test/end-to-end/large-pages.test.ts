import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, type Json, type RunningBridge, startBridge, TOKEN } from './bridge.ts';
import { ada } from './people.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// RFC 7644 §3.4.2.4: a page may have fewer resources than were asked for; itemsPerPage says so.
const USERS = 24;
const TITLE = 'x'.repeat(400_000);
/** 8 MB, and what stands around the resources */
const PAGE_MAX = 8 * 1024 * 1024 + 1_000;

let sandbox: SandboxProcess;
let bridge: RunningBridge;
const ids: string[] = [];

before(async () => {
  sandbox = await startSandbox();
  bridge = await startBridge(sandbox);
  for (let n = 0; n < USERS; n += 1)
    ids.push((await answered(201, bridge.scim('POST', '/Users', ada({ title: TITLE, displayName: `large ${n}` })))).id);
});
after(async () => {
  await bridge.stop();
  await sandbox.stop();
});

interface Page {
  readonly bytes: number;
  readonly body: Json;
}

async function page(path: string, search?: object): Promise<Page> {
  const answer = await fetch(bridge.base + path, {
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/scim+json' },
    ...(search && { method: 'POST', body: JSON.stringify(search) }),
  });
  assert.equal(answer.status, 200);
  const bytes = await answer.bytes();
  assert.equal(Number(answer.headers.get('content-length')), bytes.length);
  return { bytes: bytes.length, body: JSON.parse(Buffer.from(bytes).toString()) };
}

/** Goes on with startIndex until all are read, as clients do. */
async function all(ask: (startIndex: number) => Promise<Page>): Promise<{ ids: string[]; pages: number }> {
  const seen: Json[] = [];
  for (let pages = 1; ; pages += 1) {
    const { bytes, body } = await ask(seen.length + 1);
    assert.ok(bytes <= PAGE_MAX, `a page of ${bytes} bytes`);
    assert.equal(body.startIndex, seen.length + 1);
    assert.equal(body.itemsPerPage, body.Resources.length);
    assert.ok(body.Resources.length > 0);
    for (const each of body.Resources) assert.equal(each.title, TITLE);
    seen.push(...body.Resources);
    if (seen.length >= body.totalResults) return { ids: seen.map(({ id }) => id), pages };
  }
}

const LISTS: readonly (readonly [string, (startIndex: number) => Promise<Page>])[] = [
  ['GET', (startIndex) => page(`/Users?count=1000&startIndex=${startIndex}`)],
  ['a filter', (startIndex) => page(`/Users?count=1000&filter=title%20pr&startIndex=${startIndex}`)],
  ['sorted', (startIndex) => page(`/Users?count=1000&sortBy=meta.created&startIndex=${startIndex}`)],
  ['POST /.search', (startIndex) => page('/.search', { startIndex, count: 1000, filter: 'userName pr' })],
  ['POST /.search, sorted', (startIndex) => page('/.search', { startIndex, count: 1000, sortBy: 'meta.created' })],
];

for (const [name, ask] of LISTS)
  test(`a page ends at 8 MB, and paging goes on behind it: ${name}`, async () => {
    const found = await all(ask);
    assert.ok(found.pages > 1, 'more than one page holds');
    assert.deepEqual(found.ids.toSorted(), ids.toSorted());
  });

test('a page that is narrowed by attributes has room for all', async () => {
  const { body } = await page('/Users?count=1000&attributes=userName');
  assert.equal(body.itemsPerPage, USERS);
});

test('groups: each is rendered when its turn comes, with its members', async () => {
  const members = ids.map((value) => ({ value }));
  const group = (displayName: string): object => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
    displayName,
    members,
  });
  for (const name of ['one', 'two']) await answered(201, bridge.scim('POST', '/Groups', group(name)));
  const { body } = await page('/Groups?filter=members%20pr');
  assert.deepEqual(
    body.Resources.map((each: Json) => [each.displayName, each.members.length]),
    [
      ['one', USERS],
      ['two', USERS],
    ],
  );
});
