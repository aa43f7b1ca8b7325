/** Sync: the view follows ZITADEL. The first one fills it; later ones find what was made, changed and removed there. */
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
  /** one user could not be taken over */
  readonly onSkipped: (id: string, error: unknown) => void;
  /** asked between users: true ends the sweep early */
  readonly stopped: () => boolean;
  /** waits after a page that took so long, ms: only the first sync goes at full speed */
  readonly rest: (ms: number) => Promise<void>;
  /** users that are missing in great number are removed as well: an operator said so */
  readonly acceptRemovals: boolean;
}

/** Users read so far, and how many of them were new or had changed. */
export interface Progress {
  readonly users: number;
  readonly changed: number;
}

export interface Removal {
  readonly removed: number;
  /** users that were missing from the lists, yet too many to take away without being told to */
  readonly kept: number;
  /** users that ZITADEL's reads have lost while its commands know them */
  readonly hidden: number;
}

/** ListUserMetadata calls at once. */
const AT_ONCE = 8;
/** Of the rows of a tenant one sweep removes at most this share, but always up to REMOVES_ALWAYS. */
const REMOVES_SHARE = 0.05;
const REMOVES_ALWAYS = 10;

/**
 * Walks all users of the organization once. A row somebody is writing, or whose sequence did not move, is left alone; a deleted one
 * cannot be revived. Throws BridgeError 503 while ZITADEL is away: call it again.
 */
export async function sweep(options: SyncOptions): Promise<Progress & Removal> {
  const { tenant, unique, store, zitadel, clock, stopped } = options;
  const began = clock();
  const seen = new Set<string>();
  let changed = 0;
  let asked = began; // the page was asked for not before then
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

  /** What is odd about one user must not keep the others out; an outage ends the sweep. */
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
   * Whether the row was new or changed. Lists lag: what they show is believed of a user that has no row yet, of any other one they
   * only tell that it moved, and GetUserByID tells how.
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
    if (answer.kind !== 'found') return false; // gone, or away: a later sweep sees to it
    const { reading } = answer;
    await updateRow(store, unique, key, (row) => {
      if (row.version !== before.version) return row;
      // of one that is visible again the delivery reads what it has now
      return isSettled ? observe(row, reading, clock()) : reappear(row, clock());
    });
    return true;
  }

  /** Users that the lists no longer show are removed only when GetUserByID and a command say so too. */
  async function removeUnseen(): Promise<Removal> {
    const missing: Pick<Row, 'tenant' | 'id' | 'version'>[] = []; // not whole rows: there may be as many as there are users
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
 * Reads metadata again: no sequence moves with it. Begins behind `from`, goes on until `stopped`, and gives where it ended; undefined
 * when it came to the end of the users.
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

/** Where a walk over the users stands. */
export type Place = Pick<Row, 'created' | 'id'>;

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** Writes what each row is found by once more: `uniqueExternalId` was switched, or the store is older than an index. */
export async function reserveAgain(store: Store, tenant: string, unique: Unique): Promise<void> {
  for await (const rows of store.scan(tenant)) for (const row of rows) await updateRow(store, unique, row, rewrite);
}
