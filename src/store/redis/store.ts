import type { Clock } from '../../bridge/ports/context.ts';
import type { IndexName, Store, WriteResult } from '../../bridge/ports/store.ts';
import type { Key, Row } from '../../bridge/row/types.ts';
import { DamagedRow } from '../../errors.ts';
import { CONDITION_NAMES, CONDITIONS, countsFrom } from '../conditions.ts';
import type { Loss } from '../loss.ts';
import { nextSlice } from '../../mapping/slices.ts';
import { NO_MEMBERS } from '../members.ts';
import { unavailable } from '../unavailable.ts';
import { hostsOf, parseAddress } from './address.ts';
import { checkRedis, type Durability } from './checks.ts';
import { createClient } from './client.ts';
import { connectTo, whenReady } from './connect.ts';
import { besideRows, changesChannel, rowsKey, STATE } from './keys.ts';
import { createDamaged } from './damaged.ts';
import { createLeases } from './leases.ts';
import { createMarks } from './marks.ts';
import { createNames } from './names.ts';
import * as sights from './read-scripts.ts';
import { createConfirm } from './replicas.ts';
import { rowFrom, sought } from './row-text.ts';
import { createSeal } from './sealed.ts';
import { createWatches } from './watch.ts';
import { createWrites } from './writes.ts';

export interface RedisStoreOptions {
  /** see parseAddress */
  readonly url: string;
  /** writes are acknowledged once this many replicas have them; 0: once Redis itself has them */
  readonly replicas?: number;
  /** secrets for password hashes: the first one encrypts, all of them decrypt; without one no row may have a hash */
  readonly passwordKeys?: readonly string[] | undefined;
  /** longest wait for an answer of Redis, ms */
  readonly commandTimeoutMs?: number;
  /** longest wait for Redis at start, ms */
  readonly startTimeoutMs?: number;
  /** between two checks for lost change messages, ms */
  readonly watchMs?: number;
  /** instead of Redis's own time, for the revisions of sets of members; leases always follow Redis */
  readonly clock?: Clock;
  /** called with the reason when Redis could not be reached or asked */
  readonly onFailure?: (error: unknown) => void;
  /** called at start with what an operator should change */
  readonly onWarning?: (warning: string) => void;
  /** called when Redis was emptied: every request gets 503 until `adopt` */
  readonly onLost?: (loss: Loss) => void;
  /** called once for each row that cannot be read */
  readonly onDamaged?: (key: Key) => void;
}

export interface RedisStore extends Store {
  /** Redis was emptied: accepts what is there now; the rows are rebuilt. */
  adopt(): void;
  /** What an acknowledged write survives, as Redis was set up at start. */
  durability(): Durability;
  /**
   * Reports the id of every row of `shelf` (`groupsOf(tenant)`) soon after any process, including this one, writes it;
   * first the rows that are there already. A row may be reported more often than it was written.
   */
  watch(shelf: string, onChange: (id: string) => void): void;
}

/** Rows per read of a scan, and the longest piece passed on, ms: the consumer needs some of its slice too. */
const SLICE_ROWS = 200;
const SLICE_MS = 2;

/** Throws an Error that tells the operator why this Redis is unsuitable. */
export async function createRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const { url, replicas = 0, commandTimeoutMs = 500, startTimeoutMs = 5_000, watchMs = 1_000, clock } = options;
  const { onFailure = () => undefined, onWarning = () => undefined, onLost = () => undefined } = options;
  const address = parseAddress(url);
  const seal = createSeal(options.passwordKeys ?? []);
  const connect = () => connectTo(address, commandTimeoutMs, onFailure);
  const connection = connect();
  let checked: Awaited<ReturnType<typeof checkRedis>>;
  try {
    await whenReady(connection, address, startTimeoutMs);
    checked = await checkRedis(connection, hostsOf(address), replicas);
  } catch (error) {
    connection.disconnect();
    throw error;
  }
  for (const warning of checked.warnings) onWarning(warning);

  const client = createClient(connection);
  const marks = createMarks(client, ({ message }) => onLost({ reason: message, forGood: false }));
  const damaged = createDamaged(client);
  const names = createNames(client, commandTimeoutMs + 100);
  const leases = createLeases(client, seal);
  connection.on('ready', () => leases.giveBack());
  const watches = createWatches({ client, connect, db: address.db, onError: onFailure, every: watchMs });
  const channelOf = (tenant: string): string => (tenant.endsWith(':groups') ? changesChannel(tenant, address.db) : '');
  const writeRow = createWrites({ client, names, leases, seal, clock, channelOf, onFailure, marks });
  const replicated = replicas > 0 ? createConfirm(client, replicas, Math.ceil(commandTimeoutMs * 0.8)) : undefined;

  /** Rows from one consistent read of several keys; unreadable ones go to `aside`. */
  const rowsOf = (tenant: string, found: readonly Buffer[], aside: Pair[]): Row[] =>
    pairs(found, (id, value): Pair => [id.toString(), value]).flatMap(([id, value]) => {
      try {
        return rowFrom({ tenant, id }, value, seal);
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error;
        aside.push([id, value]);
        return [];
      }
    });

  /** Whether lists look different now. If setting aside fails, lists omit these rows anyway. */
  async function setAside(tenant: string, rows: readonly Pair[]): Promise<boolean> {
    let changed = false;
    for (const [id, value] of rows) {
      try {
        if (!(await damaged.setAside(tenant, id, value))) continue;
      } catch (error) {
        onFailure(error);
        continue;
      }
      changed = true;
      options.onDamaged?.({ tenant, id });
    }
    return changed;
  }

  async function withMark<T>(tenant: string, ask: (mark: string) => Promise<T>): Promise<T> {
    try {
      return await ask(await marks.of(tenant));
    } catch (error) {
      throw marks.seen(tenant, error);
    }
  }
  type Args = readonly (string | number)[];
  const see = <T>(script: sights.Sight, tenant: string, ...args: Args): Promise<T> =>
    withMark(tenant, (mark) => client.run<T>(script, [rowsKey(tenant)], [...args, mark]));
  const seeRows = <T = Buffer[]>(script: sights.Sight, tenant: string, ...args: Args): Promise<T> =>
    withMark(tenant, (mark) => client.runRaw<T>(script, [rowsKey(tenant)], [...args, mark]));
  async function rowsSeen(script: sights.Sight, tenant: string, ...args: Args): Promise<Row[]> {
    const aside: Pair[] = [];
    const rows = rowsOf(tenant, await seeRows(script, tenant, ...args), aside);
    return (await setAside(tenant, aside)) ? rowsSeen(script, tenant, ...args) : rows;
  }
  /** The smallest score of a sorted set. */
  const lowest = async (tenant: string, what: 'due' | 'since'): Promise<number | undefined> => {
    const [, score] = await client.ask((redis) => redis.zrange(besideRows(tenant, what), '0', '0', 'WITHSCORES'));
    return score === undefined ? undefined : Number(score);
  };

  return {
    durability: () => checked.durability,
    watch: (shelf, onChange) => watches.add(shelf, onChange),
    async read({ tenant, id }) {
      const value = await client.ask((redis) => redis.hgetBuffer(rowsKey(tenant), id));
      if (value !== null) return rowFrom({ tenant, id }, value, seal);
      // an emptied Redis must not make a user appear missing
      await marks.check(tenant);
      return undefined;
    },
    async write(write, options = { durable: true }) {
      const times = client.times();
      let result: WriteResult | undefined;
      try {
        result = await writeRow(write, options);
        if (result.kind === 'ok' && options.durable) await replicated?.(times);
        return result;
      } catch (error) {
        // the caller gets an error and no lease
        if (result?.kind === 'ok' && result.lease !== undefined) leases.release(result.lease).catch(onFailure);
        throw unavailable(marks.seen(write.key.tenant, error));
      }
    },
    async find(tenant: string, index: IndexName, value: string) {
      return (await rowsSeen(sights.FIND, tenant, ...sought(index, value))).toSorted(oldestFirst);
    },
    async page(tenant, offset, limit) {
      const [first, last] = limit > 0 ? [offset, offset + limit - 1] : [1, 0];
      for (;;) {
        const [total, ...found] = await seeRows<readonly [number, ...Buffer[]]>(sights.PAGE, tenant, first, last);
        const aside: Pair[] = [];
        const rows = rowsOf(tenant, found, aside);
        if (!(await setAside(tenant, aside))) return { rows, total };
      }
    },
    async *scan(tenant, from) {
      let after: { readonly created: number | ''; readonly id: string } = from ?? { created: '', id: '' };
      for (;;) {
        const found = await seeRows(sights.SLICE, tenant, after.created, after.id, SLICE_ROWS);
        if (found.length === 0) return;
        const aside: Pair[] = [];
        for (let n = 0; n < found.length; ) {
          const slice: Row[] = [];
          const end = performance.now() + SLICE_MS;
          do slice.push(...rowsOf(tenant, found.slice(n, (n += 2)), aside));
          while (n < found.length && performance.now() < end);
          after = slice.at(-1) ?? after;
          if (slice.length > 0) yield slice;
          await nextSlice();
        }
        // a slice with nothing else would return again and again
        const isRest = aside.length * 2 === found.length;
        if (!(await setAside(tenant, aside)) && isRest) return;
      }
    },
    async members(tenant, group, limit, after) {
      const found = await see<(string | null)[]>(sights.MEMBERS, tenant, group, behind(after), Math.max(0, limit));
      return pairs(found, (id, display) => ({ id: id ?? '', display }));
    },
    async memberSet(tenant, group) {
      const text = await client.ask((redis) => redis.hget(besideRows(tenant, 'sets'), group));
      if (text === null) {
        await marks.check(tenant);
        return NO_MEMBERS;
      }
      const [count = 0, revision = 0, modified = 0] = text.split(' ').map(Number);
      return { count, revision, modified };
    },
    reservedBy: (instance, name) => names.holder(instance.toWellFormed(), name.toWellFormed()),
    async due(tenant, now, limit, after) {
      if (limit <= 0) return [];
      const found = await see<string[]>(sights.DUE, tenant, now, limit, after?.dueAt ?? '', after?.id ?? '');
      return pairs(found, (id, dueAt) => ({ id, dueAt: Number(dueAt) }));
    },
    nextDue: (tenant) => lowest(tenant, 'due'),
    withCondition: (tenant, condition, limit, after) =>
      rowsSeen(sights.WITH_CONDITION, tenant, CONDITIONS[condition].stored, behind(after), Math.max(0, limit)),
    oldestPending: (tenant) => lowest(tenant, 'since'),
    tombstones: (tenant, before, limit) => rowsSeen(sights.TOMBSTONES, tenant, before, Math.max(0, limit)),
    async counts(tenant) {
      const sets = CONDITION_NAMES.map((name) => CONDITIONS[name].stored);
      return countsFrom(await see<number[]>(sights.COUNTS, tenant, 'order', ...sets));
    },
    damaged: (tenant) => damaged.ids(tenant),
    async forget({ tenant, id }) {
      const had = await damaged.forget(tenant, id);
      if (had === undefined) return false;
      const [instance = '', ...reserved] = had;
      await names.free({ tenant, id }, instance, reserved).catch(onFailure);
      return true;
    },
    adopt: () => marks.adopt(),
    async getState(name) {
      const json = await client.ask((redis) => redis.hget(STATE, name));
      return json === null ? undefined : (JSON.parse(json) as unknown);
    },
    async setState(name, value) {
      const times = client.times();
      const json = value === undefined ? undefined : JSON.stringify(value);
      await client.ask<unknown>((redis) =>
        json === undefined ? redis.hdel(STATE, name) : redis.hset(STATE, name, json),
      );
      await replicated?.(times);
      // the heartbeat notices
      await marks.check();
    },
    lease: (key: Key, ms) => leases.take(key, ms),
    prove: (lease, ms) => leases.renew(lease, ms),
    release: (lease) => leases.release(lease),
    async close() {
      watches.stop();
      leases.stop();
      client.close();
    },
  };
}

/** Id and value of a row. */
type Pair = readonly [string, Buffer];

/** Where an order by id continues. */
const behind = (after: string | undefined): string => (after === undefined ? '-' : `(${after}`);

function pairs<Cell, To>(cells: readonly Cell[], make: (first: Cell, second: Cell) => To): To[] {
  const made: To[] = [];
  for (let n = 0; n + 1 < cells.length; n += 2) made.push(make(cells[n] as Cell, cells[n + 1] as Cell));
  return made;
}

function oldestFirst(left: Row, right: Row): number {
  return left.created - right.created || (left.id < right.id ? -1 : 1);
}
