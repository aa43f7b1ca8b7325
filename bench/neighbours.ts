/** What one tenant notices of the work of another one, in one bridge and on one ZITADEL. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxProcess } from '../test/end-to-end/sandbox.ts';
import type { Connection } from './http.ts';
import { millisecondsOf, p50, p99 } from './measure.ts';
import { scimUser } from './person.ts';
import { type BridgeProcess, startBridge } from './processes.ts';
import { figure, type Figure, ms } from './report.ts';

const TOKENS = { busy: 'token-of-the-busy-tenant', quiet: 'token-of-the-quiet-tenant' };
/** Users of the quiet tenant. */
const QUIET = 50;
/** How long the quiet tenant is alone, ms. */
const ALONE = 2_000;

/** A bridge for two organizations of one ZITADEL, with one token for both. */
async function start(sandbox: SandboxProcess, folder: string): Promise<BridgeProcess> {
  const { organizations, tokens } = sandbox.seeds;
  const tenant = (id: keyof typeof TOKENS, organization: string): string => {
    const sha256 = createHash('sha256').update(TOKENS[id]).digest('hex');
    return `  - { id: ${id}, organization: "${organization}", tokens: [{ name: client, sha256: "${sha256}" }] }`;
  };
  const lines = [
    `zitadel: { url: "${sandbox.url}", token: "${tokens.instanceOwner}" }`,
    'tenants:',
    tenant('busy', organizations.a),
    tenant('quiet', organizations.b),
  ];
  const file = join(folder, 'two-tenants.yaml');
  await writeFile(file, `${lines.join('\n')}\n`);
  const ofOne = { SCIM_TOKEN: '', ZITADEL_URL: '', ZITADEL_TOKEN: '', ZITADEL_ORG_ID: '' };
  const bridge = await startBridge({ url: '', organization: '', token: '' }, folder, { ...ofOne, BRIDGE_CONFIG: file });
  await bridge.ready();
  return bridge;
}

async function makeUsers(connection: Connection, count: number, name: string): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const { text } = await connection.send('POST', '/Users', 201, scimUser(`${name}-${ids.length}`));
    ids.push((JSON.parse(text) as { id: string }).id);
  }
  return ids;
}

/** The request again and again until `isOver`; its times. */
async function repeated(request: (round: number) => Promise<unknown>, isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    times.push(await millisecondsOf(() => request(times.length)));
    await delay(2);
  }
  return times;
}

const until = (end: number) => (): boolean => performance.now() > end;
const told = (values: readonly number[]): string =>
  `${ms(p50(values))} p50, ${ms(p99(values))} p99, ${ms(Math.max(...values))} at most`;

const FILTERS = 30;
const TERMS = 200;
const lastModified = (n: number): string =>
  `meta.lastModified eq "2020-01-01T00:${String(n % 60).padStart(2, '0')}:00Z"`;

/** @param users that the busy tenant has */
export async function besideFilters(sandbox: SandboxProcess, folder: string, users: number): Promise<Figure[]> {
  const bridge = await start(sandbox, folder);
  const [asking, searching] = [bridge.connection(TOKENS.quiet), bridge.connection(TOKENS.busy)];
  const ids = await makeUsers(asking, QUIET, 'quiet');
  const get = (round: number) => asking.send('GET', `/Users/${ids[round % ids.length]}`, 200);
  const filter = Array.from({ length: TERMS }, (_, n) => lastModified(n)).join(' or ');
  const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter };
  const one = await millisecondsOf(() => searching.send('POST', '/Users/.search', 200, search));

  await repeated(get, until(performance.now() + 500));
  const alone = await repeated(get, until(performance.now() + ALONE));
  const many = Array.from({ length: FILTERS }, () => bridge.connection(TOKENS.busy));
  let isOver = false;
  // those that would wait too long are told 429
  const filters = (async () => {
    await Promise.all(many.map((each) => each.send('POST', '/Users/.search', null, search)));
    isOver = true;
  })();
  const beside = await repeated(get, () => isOver);
  await filters;
  for (const each of [asking, searching, ...many]) each.close();
  await bridge.stop();
  const rows = `${users.toLocaleString('en')} users`;
  return [
    {
      work: `one filter of ${TERMS} meta.lastModified terms over ${rows}`,
      against: '-',
      measured: figure(one / 1000, 's'),
      goal: '<= 5 s',
      reached: one <= 5_000,
    },
    {
      work: `another tenant's GET /Users/{id} beside ${FILTERS} such filters at once`,
      against: `alone: ${told(alone)}`,
      measured: told(beside),
      goal: '<= 25 ms p99',
      reached: p99(beside) <= 25,
    },
  ];
}

const patchOf = (title: string): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: [{ op: 'replace', path: 'title', value: title }],
});

/** @param rows that are owed when ZITADEL comes back */
export async function besideBacklog(sandbox: SandboxProcess, folder: string, rows: number): Promise<Figure[]> {
  const bridge = await start(sandbox, folder);
  const [asking, owing] = [bridge.connection(TOKENS.quiet), bridge.connection(TOKENS.busy)];
  const ids = await makeUsers(asking, QUIET, 'quiet');
  const patch = (round: number) =>
    asking.send('PATCH', `/Users/${ids[round % ids.length]}`, 200, patchOf(`title ${round}`));
  await repeated(patch, until(performance.now() + 500));
  const alone = await repeated(patch, until(performance.now() + ALONE));

  const busy: string[] = [];
  for (let startIndex = 1; busy.length < rows; startIndex += 1_000) {
    const path = `/Users?count=1000&attributes=id&startIndex=${startIndex}`;
    const { Resources } = JSON.parse((await owing.send('GET', path, 200)).text) as { Resources: { id: string }[] };
    if (Resources.length === 0) throw new Error('the busy tenant has too few users');
    busy.push(...Resources.map(({ id }) => id));
  }
  await sandbox.faults({ mode: 'down' });
  const many = Array.from({ length: 8 }, () => bridge.connection(TOKENS.busy));
  const rest = busy.slice(0, rows).values();
  const owe = async (each: Connection): Promise<void> => {
    for (const id of rest) await each.send('PATCH', `/Users/${id}`, 200, patchOf('owed'));
  };
  await Promise.all(many.map(owe));
  await sandbox.faults();
  // the probe finds out that ZITADEL is back, and the backlog begins
  const owed = (): Promise<number> => bridge.metric('scim_bridge_pending_rows');
  for (const before = await owed(); (await owed()) >= before; ) await delay(20);
  let isOver = false;
  const watching = (async () => {
    while ((await owed()) > rows / 20) await delay(200);
    isOver = true;
  })();
  const beside = await repeated(patch, () => isOver);
  await watching;
  for (const each of [asking, owing, ...many]) each.close();
  await bridge.stop();
  return [
    {
      work: `another tenant's PATCH title on the same ZITADEL beside a backlog of ${rows.toLocaleString('en')} rows`,
      against: `alone: ${told(alone)}`,
      measured: told(beside),
      goal: '-',
    },
  ];
}
