/** Groups as a client writes them, and the calls that stand beside it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxProcess } from '../test/end-to-end/sandbox.ts';
import type { Connection } from './http.ts';
import { millisecondsOf } from './measure.ts';
import type { BridgeProcess } from './processes.ts';

/** Most that a list gives at once. */
const PAGE = 1_000;
/** Calls under way: as many as the bridge has to one ZITADEL. */
const IN_FLIGHT = 8;

interface Users {
  readonly totalResults: number;
  readonly Resources?: readonly { readonly id: string }[];
}

/** Ids of all users, oldest first. */
export async function userIds(connection: Connection): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const { text } = await connection.send(
      'GET',
      `/Users?attributes=id&count=${PAGE}&startIndex=${ids.length + 1}`,
      200,
    );
    const { Resources = [], totalResults } = JSON.parse(text) as Users;
    ids.push(...Resources.map(({ id }) => id));
    if (Resources.length === 0 || ids.length >= totalResults) return ids;
  }
}

const memberValues = (ids: readonly string[]) => ids.map((value) => ({ value }));

/** Resolves with the id. */
export async function createGroup(connection: Connection, displayName: string): Promise<string> {
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group'];
  const { text } = await connection.send('POST', '/Groups', 201, { schemas, displayName });
  return (JSON.parse(text) as { id: string }).id;
}

/** `replace`: these and no others. Any 2xx will do: a large group is not sent back. */
export async function patchMembers(
  connection: Connection,
  group: string,
  op: 'add' | 'replace',
  ids: readonly string[],
): Promise<void> {
  const Operations = [{ op, path: 'members', value: memberValues(ids) }];
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations };
  const { status, text } = await connection.send('PATCH', `/Groups/${group}`, null, body);
  if (status >= 300) throw new Error(`PATCH /Groups/${group}: ${status} ${text}`);
}

/** How many members a group shows. */
export async function memberCount(connection: Connection, group: string): Promise<number> {
  const { text } = await connection.send('GET', `/Groups/${group}`, 200);
  return (JSON.parse(text) as { members?: readonly unknown[] }).members?.length ?? 0;
}

/** Waits until nothing is owed. */
export async function delivered(bridge: BridgeProcess): Promise<void> {
  while ((await bridge.metric('scim_bridge_pending_rows')) !== 0) await delay(20);
}

/** Does it for every id, so many at a time. */
export async function forEach(
  ids: readonly string[],
  work: (id: string) => Promise<unknown>,
  inFlight = IN_FLIGHT,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let id = ids[next++]; id !== undefined; id = ids[next++]) await work(id);
    }),
  );
}

/** Calls that change a user, by method, while some work and all that it owes are done. */
export async function writesDuring(
  sandbox: SandboxProcess,
  bridge: BridgeProcess,
  work: () => Promise<unknown>,
): Promise<Readonly<Record<string, number>>> {
  await sandbox.reset();
  await work();
  await delivered(bridge);
  const calls = Object.entries(await sandbox.calls());
  return Object.fromEntries(calls.filter(([method]) => /^(?:Set|Delete|Create|Update)/.test(method)));
}

/** PATCHes of `active`, one after another over these users, until `work` is done: milliseconds of each. */
export async function patchesBeside(
  connection: Connection,
  ids: readonly string[],
  work: () => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  const running = new AbortController();
  const asking = (async () => {
    for (let round = 0; !running.signal.aborted; round += 1) {
      const active = Math.floor(round / ids.length) % 2 === 1;
      times.push(await millisecondsOf(() => patchActive(connection, ids[round % ids.length] ?? '', active)));
    }
  })();
  try {
    await work();
  } finally {
    running.abort();
  }
  await asking;
  // each ends as it was
  await forEach(ids, (id) => patchActive(connection, id, true), 1);
  return times;
}

const patchActive = (connection: Connection, id: string, value: boolean) =>
  connection.send('PATCH', `/Users/${id}`, 200, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'active', value }],
  });
