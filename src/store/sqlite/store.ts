import type { Clock } from '../../bridge/ports/context.ts';
import type { Counts, MemberSet, Store, Write, WriteResult } from '../../bridge/ports/store.ts';
import type { Index, Key, Row } from '../../bridge/row/types.ts';
import { NO_COUNTS, sum } from '../conditions.ts';
import type { Loss } from '../loss.ts';
import { nextSlice } from '../../mapping/slices.ts';
import { createRevisions, NO_MEMBERS } from '../members.ts';
import { fold } from '../index-text.ts';
import { shuttingDown, unavailable } from '../unavailable.ts';
import { callsOf, countsBetween, entryOf } from './changes.ts';
import { createCommits } from './commits.ts';
import { takeFolder } from './folder.ts';
import { checkDatabase } from './last-commit.ts';
import { createLeases } from './leases.ts';
import { membershipsBetween } from './memberships.ts';
import {
  dueOver,
  membersOver,
  type Overlay,
  pageOver,
  sliceOver,
  tombstonesOver,
  withConditionOver,
} from './overlay.ts';
import { createPending, type Entry, NO_ROW } from './pending.ts';
import { openQueries } from './queries.ts';
import { NotWritten, startWriter, type WriterThread } from './writer-thread.ts';
import type { CommitHook, WriterData } from './writer.ts';

export interface SqliteStoreOptions {
  /** DATA_DIR; created if missing */
  readonly directory: string;
  readonly clock?: Clock;
  /** how long a lazy write waits to share a durable one's commit, milliseconds */
  readonly lingerMs?: number;
  /** if a commit takes longer, it and every write until it ends are answered 503, milliseconds */
  readonly deadlineMs?: number;
  /** after this long without a write, settled data is erased from disk, milliseconds */
  readonly idleMs?: number;
  /** called after every commit with its milliseconds in the writer thread */
  readonly onCommit?: (ms: number) => void;
  /** called with the reason when a batch was lost: also lazy writes that no request is waiting for */
  readonly onFailure?: (error: unknown) => void;
  /** called once for each row whose content cannot be read */
  readonly onDamaged?: (key: Key) => void;
  /** called when the files are no longer those in DATA_DIR: writing stops; undefined: they are back */
  readonly onLost?: (loss: Loss | undefined) => void;
  readonly hook?: CommitHook;
}

/** Longest piece of a scan, milliseconds: the consumer needs some of its slice too. */
const SLICE_MS = 2;

/** Writes the disk refused are retried after this many milliseconds. */
const RETRY_MS = 1_000;

const NO_OVERLAY: Overlay = new Map();

/** Of a deleted row. */
const NO_INDEX: Index = {
  visible: false,
  userName: null,
  externalId: null,
  emails: [],
  memberships: [],
  display: null,
  reservations: [],
  instance: '',
};

/** Throws FolderInUse, or an Error that tells the operator why the folder or its database is unusable. */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { directory, clock = Date.now, lingerMs = 5, idleMs = 1_000, deadlineMs = 10_000 } = options;
  const { onCommit, onFailure, hook = {} } = options;
  const { onLost = () => undefined } = options;
  const folder = takeFolder(directory);
  const { database, lastCommit, place } = folder;
  const writerData = { file: database, lastCommit, place: place.files, idleMs, hook };
  /** ids of unreadable rows, by tenant */
  const damaged = new Map<string, Set<string>>();
  function onDamaged({ tenant, id }: Key): void {
    const ids = damaged.get(tenant) ?? new Set();
    if (ids.has(id)) return;
    damaged.set(tenant, ids.add(id));
    options.onDamaged?.({ tenant, id });
  }
  let writer: Awaited<ReturnType<typeof startWriter>>;
  let queries: ReturnType<typeof openQueries>;
  try {
    checkDatabase(database, lastCommit);
    writer = await started(database, writerData);
    queries = openQueries(database, onDamaged);
    for (const key of queries.damaged()) onDamaged(key);
    place.add('bridge.db-wal');
    place.add('bridge.last-commit');
  } catch (error) {
    folder.release();
    throw error;
  }
  const pending = createPending();
  const leases = createLeases(clock);
  const revisions = createRevisions(clock);
  /** undefined after a failure, until needed again */
  let counts: Map<string, Counts> | undefined = new Map(queries.counts());
  let closing: Promise<void> | undefined;
  let closed = false;
  let loss: Loss | undefined;
  /** lazy writes that settle an in-doubt call and are not durable yet */
  let settling: { readonly write: Write; readonly batch: number }[] = [];
  /** some of them could not be written: they overlay the tables */
  let isStranded = false;

  /** Checks that the files are still those in DATA_DIR, after a failed commit or the first successful one. */
  function look(): void {
    const before = loss;
    loss = place.look();
    if (loss?.reason !== before?.reason || loss?.forGood !== before?.forGood) onLost(loss);
  }

  const commits = createCommits({
    lingerMs,
    deadlineMs,
    onStalled: (error) => onFailure?.(error),
    async commit(calls) {
      if (closed) throw shuttingDown();
      if (!writer.alive()) writer = await startWriter(writerData);
      const ms = await writer.commit(calls);
      if (loss !== undefined) look();
      // not inside the call below: without onCommit it would be skipped
      onCommit?.(ms);
    },
    onCommitted(batch) {
      pending.committed(batch);
      settling = settling.filter((each) => each.batch > batch);
      if (settling.length === 0) isStranded = false;
    },
    onFailed(error) {
      pending.drop();
      revisions.fallenBack();
      // the counts include lost writes: read them again before the next write is accepted
      counts = undefined;
      onFailure?.(error);
      look();
      if (!closed && !(error instanceof NotWritten && error.failure === 'other')) strand();
    },
  });

  /**
   * The disk refuses writes, but what was done in ZITADEL must still be recorded: it stays in memory, where reads and
   * lists see it, and is written once the disk accepts it. Only writes that settle an in-doubt call.
   */
  function strand(): void {
    const writes = settling;
    settling = [];
    try {
      for (const { write } of writes) decide(write, true);
    } catch {
      // the tables cannot be read either: these rows stay in doubt, and ZITADEL is asked for the outcome
    }
    isStranded = settling.length > 0;
    if (isStranded) commits.linger(RETRY_MS);
  }

  /** The rows that overlay a tenant's tables in lists. */
  function over(tenant: string): Overlay {
    const own = damaged.get(tenant);
    if (own === undefined && !isStranded) return NO_OVERLAY;
    const found = new Map<string, Entry | null>();
    for (const id of own ?? []) found.set(id, null);
    if (isStranded) for (const entry of pending.of(tenant)) found.set(entry.key.id, entry);
    return found;
  }

  /** A query of the tables and the overlay; repeated when a row turns out to be damaged. */
  function layered<T>(tenant: string, query: (over: Overlay) => T): T {
    const damagedBefore = damaged.get(tenant)?.size;
    const found = query(over(tenant));
    return damaged.get(tenant)?.size === damagedBefore ? found : layered(tenant, query);
  }

  function tallied(): Map<string, Counts> {
    counts ??= new Map(queries.counts());
    return counts;
  }

  /** To callers every disk failure means the same: not now. */
  function guard<T>(work: () => T): T {
    if (closing !== undefined) throw shuttingDown();
    try {
      return work();
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** While the disk does not respond nothing is accepted: it would only pile up. */
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

  /** Waits until accepted writes are in the tables. Lost or delayed ones were never acknowledged. */
  async function settled<T>(query: () => T): Promise<T> {
    if (!isStranded) await commits.durable().catch(() => undefined);
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
  function decide(write: Write, isLazy: boolean): WriteResult {
    const { key } = write;
    const tallies = tallied();
    const before = pending.newest(key)?.slot ?? queries.slot(key) ?? NO_ROW;
    if (before.version !== write.expect) return { kind: 'version' };
    const entry = entryOf(write);
    // names the row already has are free for it
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
    if (isLazy && before.counts.pending + before.counts.inDoubt > 0) settling.push({ write, batch });
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
      const result = guardWrite(() => decide(write, !wait));
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
    page: (tenant, offset, limit) =>
      settled(() => layered(tenant, (above) => pageOver(queries, above, tenant, offset, limit))),
    async *scan(tenant, from = { created: Number.NEGATIVE_INFINITY, id: '' }) {
      let after = from;
      const next = () =>
        layered(tenant, (above) => {
          const { rows, last } = queries.slice(tenant, after, SLICE_MS);
          return { rows: sliceOver(above, rows, after, last), last };
        });
      for (let slice = await settled(next); ; slice = guard(next)) {
        if (slice.rows.length > 0) yield slice.rows;
        if (slice.last === undefined) return;
        await nextSlice();
        after = slice.last;
      }
    },
    members: (tenant, group, limit, after) =>
      settled(() => membersOver(queries, over(tenant), tenant, group.toWellFormed(), limit, after)),
    memberSet: async (tenant, group) => guard(() => memberSet(tenant, group.toWellFormed())),
    reservedBy: async (instance, name) => guard(() => holder(instance, name.toWellFormed())),
    due: (tenant, now, limit, after) => settled(() => dueOver(queries, over(tenant), tenant, now, limit, after)),
    nextDue: (tenant) =>
      settled(() => {
        const above = over(tenant);
        if (above.size === 0) return queries.nextDue(tenant);
        return dueOver(queries, above, tenant, Number.MAX_VALUE, 1)[0]?.dueAt;
      }),
    withCondition: (tenant, condition, limit, after) =>
      settled(() => withConditionOver(queries, over(tenant), tenant, condition, limit, after)),
    oldestPending: (tenant) => settled(() => queries.oldestPending(tenant)),
    tombstones: (tenant, before, limit) => settled(() => tombstonesOver(queries, over(tenant), tenant, before, limit)),
    counts: async (tenant) => guard(() => tallied().get(tenant) ?? NO_COUNTS),
    damaged: async (tenant) => [...(damaged.get(tenant) ?? [])].toSorted(),
    async forget(key) {
      const ids = damaged.get(key.tenant);
      if (ids?.has(key.id) !== true) return false;
      const { version } = guard(() => queries.slot(key) ?? NO_ROW);
      guard(() => decide({ key, expect: version, row: null, index: NO_INDEX }, false));
      await durable();
      ids.delete(key.id);
      return true;
    },
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
    closed = true;
    queries.close();
    // a thread that hangs in the disk does not end, and keeps the folder locked as long as the process lives
    if (commits.stalled() !== undefined) return;
    if (writer.alive()) await writer.stop();
    folder.release();
  }
}

/** The writer, or an Error that names the file. */
async function started(database: string, data: WriterData): Promise<WriterThread> {
  try {
    return await startWriter(data);
  } catch (error) {
    throw new Error(`${database}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function oldestFirst(left: Row, right: Row): number {
  return left.created - right.created || (left.id < right.id ? -1 : 1);
}
