/** Sync: the view follows ZITADEL. The first one fills it; later ones find users created, changed and removed there. */
import { BridgeError, DamagedRow } from '../../errors.ts';
import { difference, isMetadata } from '../../mapping/facts.ts';
import { inParallel } from '../in-parallel.ts';
import type { Clock } from '../ports/context.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { Reading, Zitadel } from '../ports/zitadel.ts';
import type { Store } from '../ports/store.ts';
import { isIdle } from '../row/views.ts';
import { discover, hide, observe, reappear, rewrite, vanish } from '../row/transitions.ts';
import { insertRow, updateRow } from '../row/update-row.ts';

export interface SyncOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Zitadel;
  readonly clock: Clock;
  readonly onProgress: (progress: Progress) => void;
  /** one user could not be imported */
  readonly onSkipped: (id: string, error: unknown) => void;
  /** checked between users: true ends the sweep early */
  readonly stopped: () => boolean;
  /** waits after a page that took this many ms: only the first sync runs at full speed */
  readonly rest: (ms: number) => Promise<void>;
  /** also removes users when unusually many are missing: an operator has confirmed it */
  readonly acceptRemovals: boolean;
}

/** Users read so far, and how many of them were new or had changed. */
export interface Progress {
  readonly users: number;
  readonly changed: number;
}

export interface Removal {
  readonly removed: number;
  /** missing users that were not removed because they are unusually many */
  readonly kept: number;
  /** hidden users */
  readonly hidden: number;
}

/** Number of concurrent ListUserMetadata calls. */
const AT_ONCE = 8;
/** One sweep removes at most this share of a tenant's rows, but always up to REMOVES_ALWAYS. */
const REMOVES_SHARE = 0.05;
const REMOVES_ALWAYS = 10;

/**
 * Walks all users of the organization once. Rows with a writer or an unchanged sequence are skipped; deleted rows are
 * not revived. Throws BridgeError 503 while ZITADEL is unreachable: call it again.
 */
export async function sweep(options: SyncOptions): Promise<Progress & Removal> {
  const { tenant, unique, store, zitadel, clock, stopped } = options;
  const began = clock();
  const seen = new Set<string>();
  let changed = 0;
  let asked = began; // lower bound of the time at which the page was requested
  for await (const page of zitadel.users()) {
    const since = asked;
    await inParallel(page, AT_ONCE, async (reading) => {
      seen.add(reading.id);
      if (!stopped() && (await takeOver(reading, since))) changed += 1;
    });
    if (stopped()) break;
    options.onProgress({ users: seen.size, changed });
    await options.rest(clock() - since);
    asked = clock();
  }
  return { users: seen.size, changed, ...(stopped() ? { removed: 0, kept: 0, hidden: 0 } : await removeUnseen()) };

  /** A problem with one user must not stop the import of the others; an outage ends the sweep. */
  async function takeOver(reading: Reading, asked: number): Promise<boolean> {
    try {
      return await take(reading, asked);
    } catch (error) {
      if (error instanceof BridgeError && !(error instanceof DamagedRow)) throw error;
      options.onSkipped(reading.id, error);
      return false;
    }
  }

  /**
   * Whether the row was new or changed. Lists lag: their content is used only for a user without a row; for others they
   * only show that something changed, and GetUserByID is read.
   */
  async function take(listed: Reading, asked: number): Promise<boolean> {
    const key: Key = { tenant, id: listed.id };
    const before = await store.read(key);
    if (before === undefined) {
      const full = { ...listed, facts: { ...listed.facts, ...(await zitadel.metadata(listed.id)) } };
      await insertRow(store, unique, key, clock(), (row) => discover(row, full, asked));
      return true;
    }
    const isSettled = isIdle(before);
    if ((!isSettled && before.hidden === null) || before.tombstone !== null || before.sequence === listed.sequence)
      return false;
    const answer = await zitadel.read(listed.id);
    if (answer.kind !== 'found') return false; // gone or unreachable: a later sweep handles it
    const { reading } = answer;
    await updateRow(store, unique, key, (row) => {
      if (row.version !== before.version) return row;
      // once a user is visible again, the delivery reads its current state
      return isSettled ? observe(row, reading, clock()) : reappear(row, clock());
    });
    return true;
  }

  /** Users missing from the lists are removed only if GetUserByID and a command confirm it. */
  async function removeUnseen(): Promise<Removal> {
    const missing: Pick<Row, 'tenant' | 'id' | 'version'>[] = []; // partial: may be as many as the users
    let rows = 0;
    for await (const slice of store.scan(tenant)) {
      rows += slice.length;
      for (const row of slice)
        if (!seen.has(row.id) && isIdle(row) && Math.max(row.verifiedAt, row.modified) < began)
          missing.push({ tenant, id: row.id, version: row.version });
    }
    if (!options.acceptRemovals && missing.length > Math.max(REMOVES_ALWAYS, rows * REMOVES_SHARE))
      return { removed: 0, kept: missing.length, hidden: 0 };
    let removed = 0;
    let hidden = 0;
    for (const row of missing) {
      const answer = await zitadel.read(row.id);
      if (answer.kind !== 'gone' && answer.kind !== 'hidden') continue;
      const make = answer.kind === 'gone' ? vanish : hide;
      await updateRow(store, unique, row, (now) => (now.version === row.version ? make(now, clock()) : now));
      if (answer.kind === 'gone') removed += 1;
      else hidden += 1;
    }
    return { removed, kept: 0, hidden };
  }
}

/**
 * Reads metadata again, because it does not change a sequence. Starts after `from`, runs until `stopped`, and returns
 * its position; undefined at the end of the users.
 */
export async function readMetadataAgain(
  { tenant, unique, store, zitadel, clock, stopped, onSkipped }: SyncOptions,
  from: Place | undefined,
): Promise<Place | undefined> {
  let place = from;
  for await (const rows of store.scan(tenant, from)) {
    for (const part of chunks(rows, AT_ONCE)) {
      await Promise.all(part.map((row) => compare(row).catch((error: unknown) => onRow(row, error))));
      place = part.at(-1) ?? place;
      if (stopped()) return place;
    }
  }
  return undefined;

  function onRow({ id }: Row, error: unknown): void {
    if (error instanceof BridgeError) throw error;
    onSkipped(id, error);
  }

  async function compare(before: Row): Promise<void> {
    if (!isIdle(before) || before.confirmed === null) return;
    const metadata = await zitadel.metadata(before.id);
    const confirmed = Object.fromEntries(Object.entries(before.confirmed).filter(([fact]) => isMetadata(fact)));
    if (Object.keys({ ...difference(confirmed, metadata) }).length === 0) return;
    const answer = await zitadel.read(before.id);
    if (answer.kind !== 'found') return;
    await updateRow(store, unique, before, (row) =>
      row.version === before.version ? observe(row, answer.reading, clock()) : row,
    );
  }
}

/** The position of a walk over the users. */
export type Place = Pick<Row, 'created' | 'id'>;

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Refreshes the index entries of each row: `uniqueExternalId` was switched, or the store predates an index. */
export async function reserveAgain(store: Store, tenant: string, unique: Unique): Promise<void> {
  for await (const rows of store.scan(tenant)) for (const row of rows) await updateRow(store, unique, row, rewrite);
}
