/** The embedded store: one SQLite file in DATA_DIR, read on the main thread, written by a thread of its own. */
import type { Clock, Counts, Key, MemberSet, Row, Store, Write, WriteResult } from '../../bridge/ports.ts';
import { NO_COUNTS, sum } from '../counts.ts';
import { nextSlice } from '../../slices.ts';
import { createRevisions, NO_MEMBERS } from '../members.ts';
import { fold } from '../index-text.ts';
import { shuttingDown, unavailable } from '../unavailable.ts';
import { callsOf, countsBetween, entryOf } from './changes.ts';
import { createCommits } from './commits.ts';
import { takeFolder } from './folder.ts';
import { createLeases } from './leases.ts';
import { membershipsBetween } from './memberships.ts';
import { createPending, NO_ROW } from './pending.ts';
import { openQueries } from './queries.ts';
import { startWriter } from './writer-thread.ts';
import type { CommitHook } from './writer.ts';

export interface SqliteStoreOptions {
  /** DATA_DIR; made when it is not there */
  readonly directory: string;
  readonly clock?: Clock;
  /** how long a lazy write waits for a durable one to ride with, milliseconds */
  readonly lingerMs?: number;
  /** a commit that takes longer is answered 503, and so is every write until it has ended, milliseconds */
  readonly deadlineMs?: number;
  /** after so long without a write nothing of what was settled is left on disk, milliseconds */
  readonly idleMs?: number;
  /** told of every commit: its milliseconds in the writer thread */
  readonly onCommit?: (ms: number) => void;
  /** told why a batch was lost: also lazy writes for which nobody waits any more */
  readonly onFailure?: (error: unknown) => void;
  readonly hook?: CommitHook;
}

/** Longest piece of a scan, milliseconds: the consumer needs some of its slice too. */
const SLICE_MS = 2;

/** Throws FolderInUse, or an Error that tells the operator why the folder or the database in it does not do. */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { directory, clock = Date.now, lingerMs = 5, idleMs = 1_000, deadlineMs = 10_000 } = options;
  const { onCommit, onFailure, hook = {} } = options;
  const folder = takeFolder(directory);
  const writerData = { file: folder.database, idleMs, hook };
  let writer: Awaited<ReturnType<typeof startWriter>>;
  let queries: ReturnType<typeof openQueries>;
  try {
    writer = await startWriter(writerData);
    queries = openQueries(folder.database);
  } catch (error) {
    folder.release();
    throw new Error(`${folder.database}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  const pending = createPending();
  const leases = createLeases(clock);
  const revisions = createRevisions(clock);
  /** undefined after a failure, until they are asked for */
  let counts: Map<string, Counts> | undefined = new Map(queries.counts());
  let closing: Promise<void> | undefined;

  const commits = createCommits({
    lingerMs,
    deadlineMs,
    onStalled: (error) => onFailure?.(error),
    async commit(calls) {
      if (!writer.alive()) writer = await startWriter(writerData);
      const ms = await writer.commit(calls); // not inside the call below: without onCommit it would never be made
      onCommit?.(ms);
    },
    onCommitted: (batch) => pending.committed(batch),
    onFailed(error) {
      pending.drop();
      revisions.fallenBack();
      // what was lost is counted in: they are read again before the next write is accepted
      counts = undefined;
      onFailure?.(error);
    },
  });

  function tallied(): Map<string, Counts> {
    counts ??= new Map(queries.counts());
    return counts;
  }

  /** Every failure of the disk is the same to whoever asks: not now. */
  function guard<T>(work: () => T): T {
    if (closing !== undefined) throw shuttingDown();
    try {
      return work();
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** While the disk does not answer nothing is accepted: it would only pile up. */
  function guardWrite<T>(work: () => T): T {
    const stall = commits.stalled();
    if (stall !== undefined) throw stall;
    return guard(work);
  }

  async function durable(): Promise<void> {
    try {
      await commits.durable();
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Waits until what was accepted is in the tables. What is lost or held up on the way was never answered: without it is a sight too. */
  async function settled<T>(query: () => T): Promise<T> {
    await commits.durable().catch(() => undefined);
    return guard(query);
  }

  function holder(instance: string, name: string): Key | undefined {
    const claimed = pending.holder(instance, name);
    if (claimed !== undefined) return claimed;
    const key = queries.holder(instance, name);
    // a pending write of that row would have claimed the name again
    return key === undefined || pending.get(key) !== undefined ? undefined : key;
  }

  const memberSet = (tenant: string, group: string): MemberSet =>
    pending.memberSet(tenant, group) ?? queries.memberSet(tenant, group) ?? NO_MEMBERS;

  /** Accepts a write or says why not; nothing else can come between. */
  function decide(write: Write): WriteResult {
    const { key } = write;
    const tallies = tallied();
    const before = pending.newest(key)?.slot ?? queries.slot(key) ?? NO_ROW;
    if (before.version !== write.expect) return { kind: 'version' };
    const entry = entryOf(write);
    // names it holds already are nobody else's
    const reserved = entry.slot.names === before.names ? [] : entry.reserved;
    for (const name of reserved) {
      const other = holder(entry.instance, name);
      if (other !== undefined && (other.tenant !== key.tenant || other.id !== key.id)) {
        return { kind: 'name', name, holder: other };
      }
    }
    const difference = countsBetween(before, entry);
    const memberships = membershipsBetween(before.members, entry.slot.members);
    const sets = memberships.moves.map(({ group, by }) => ({
      group,
      set: revisions.next(memberSet(key.tenant, group), by),
    }));
    const { calls, size } = callsOf(before, entry, { counts: difference, memberships, sets });
    const batch = commits.add(calls, size);
    pending.put(entry, batch, size);
    for (const { group, set } of sets) pending.putMemberSet(key.tenant, group, set, batch);
    tallies.set(key.tenant, sum(tallies.get(key.tenant) ?? NO_COUNTS, difference));
    return { kind: 'ok' };
  }

  function read(key: Key): Row | undefined {
    const entry = pending.newest(key);
    return guard(() => (entry === undefined ? queries.row(key) : (entry.row ?? undefined)));
  }

  return {
    read: async (key) => read(key),
    async write(write, { durable: wait, take, under } = { durable: true }) {
      const isLeased = under === undefined ? take !== undefined && leases.isHeld(write.key) : !leases.owns(under);
      if (isLeased) return { kind: 'leased' };
      const result = guardWrite(() => decide(write));
      if (result.kind !== 'ok') return result;
      const lease = take === undefined ? undefined : leases.take(write.key, take);
      try {
        if (wait) await durable();
        else commits.linger();
      } catch (error) {
        if (lease !== undefined) leases.release(lease);
        throw error;
      }
      return lease === undefined ? result : { ...result, lease };
    },
    async find(tenant, index, value) {
      const sought = index === 'externalId' ? value.toWellFormed() : fold(value);
      return guard(() => {
        const stored = queries.find(tenant, index, sought).filter((row) => pending.get(row) === undefined);
        return [...stored, ...pending.matching(tenant, index, sought)].toSorted(oldestFirst);
      });
    },
    page: (tenant, offset, limit) => settled(() => queries.page(tenant, offset, limit)),
    async *scan(tenant, from = { created: Number.NEGATIVE_INFINITY, id: '' }) {
      let after = from;
      let slice = await settled(() => queries.slice(tenant, after, SLICE_MS));
      for (let last = slice.at(-1); last !== undefined; last = slice.at(-1)) {
        yield slice;
        await nextSlice();
        after = last;
        slice = guard(() => queries.slice(tenant, after, SLICE_MS));
      }
    },
    members: (tenant, group, limit, after) =>
      settled(() => queries.members(tenant, group.toWellFormed(), limit, after)),
    memberSet: async (tenant, group) => guard(() => memberSet(tenant, group.toWellFormed())),
    holder: async (instance, name) => guard(() => holder(instance, name.toWellFormed())),
    due: (tenant, now, limit, after) => settled(() => queries.due(tenant, now, limit, after)),
    nextDue: (tenant) => settled(() => queries.nextDue(tenant)),
    troubled: (tenant, trouble, limit, after) => settled(() => queries.troubled(tenant, trouble, limit, after)),
    oldestOwed: (tenant) => settled(() => queries.oldestOwed(tenant)),
    tombstones: (tenant, before, limit) => settled(() => queries.tombstones(tenant, before, limit)),
    counts: async (tenant) => guard(() => tallied().get(tenant) ?? NO_COUNTS),
    async getState(name) {
      const json = guard(() => {
        const waiting = pending.state(name);
        return waiting === undefined ? queries.state(name) : waiting;
      });
      return json === undefined || json === null ? undefined : JSON.parse(json);
    },
    async setState(name, value) {
      guardWrite(() => {
        const json = value === undefined ? null : JSON.stringify(value);
        const calls = json === null ? (['removeState', name] as const) : (['putState', name, json] as const);
        pending.putState(name, json, commits.add([calls], json?.length ?? 0));
      });
      await durable();
    },
    lease: async (key, ms) => guard(() => leases.take(key, ms)),
    prove: async (lease, ms) => leases.renew(lease, ms),
    async release(lease) {
      leases.release(lease);
      return read(lease.key);
    },
    close() {
      closing ??= close();
      return closing;
    },
  };

  async function close(): Promise<void> {
    await commits.durable().catch(() => undefined);
    queries.close();
    // a thread that hangs in the disk does not end, and holds the folder as long as the process does
    if (commits.stalled() !== undefined) return;
    if (writer.alive()) await writer.stop();
    folder.release();
  }
}

function oldestFirst(left: Row, right: Row): number {
  return left.created - right.created || (left.id < right.id ? -1 : 1);
}
