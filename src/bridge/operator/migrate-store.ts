/**
 * Migration between stores: copies rows that cannot be read back from ZITADEL, with their versions; the first sync on
 * the new store reads the rest. The old store is not changed. If interrupted, it can be run again.
 */
import { isDeepStrictEqual } from 'node:util';
import { CONDITION_NAMES, NO_COUNTS, sum } from '../../store/conditions.ts';
import { BridgeError } from '../../errors.ts';
import { allRows, isSame, isToMigrate, type Shelf, toCarry } from './migrated-rows.ts';
import { RULES_ID } from '../groups/definitions.ts';
import type { Counts, Store } from '../ports/store.ts';
import type { Index, Key, Row, Unique } from '../row/types.ts';
import { heldName, indexOf, keyOf } from '../row/views.ts';
import { groupsOf, isGroupRow } from '../row/kinds.ts';
import type { Kept } from '../tenant.ts';
import { writeAsked } from '../row/update-row.ts';

export interface MigratedTenant {
  readonly id: string;
  /** of groups */
  readonly uniqueDisplayName: boolean;
}

export interface MigrateStoreOptions {
  readonly from: Store;
  readonly to: Store;
  readonly tenants: readonly MigratedTenant[];
  /** names of states that belong to no tenant */
  readonly states: readonly string[];
  /** called now and then */
  readonly onProgress: (carried: Migrated) => void;
}

/** The result for a tenant's rows. */
export interface Migrated {
  readonly tenant: string;
  /** rows of users, and of groups and their rules */
  readonly users: number;
  readonly groups: number;
  /** of these, the number already copied by an earlier run */
  readonly already: number;
}

/** Marks a store while a migration to it is incomplete: no bridge starts on it. */
export const COPYING = 'copying';

/** Number of rows written at once. */
const AT_ONCE = 32;
const PROGRESS = 1_000;

/**
 * Migrates all tenants of the first store, and reports each with its pending changes. Throws BridgeError 409, before a
 * row is written, if the second store has other data of these tenants, and 503 when a store fails.
 */
export async function migrateStore(
  options: MigrateStoreOptions,
): Promise<readonly (Migrated & { readonly counts: Counts })[]> {
  const { from, to, tenants } = options;
  const found = (await Promise.all(tenants.map((tenant) => statesOf(from, tenant)))).filter(isThere);
  if (found.length === 0) throw new BridgeError(404, 'the store holds nothing of these tenants');
  const common = await valuesOf(from, options.states);
  for (const [name, value] of common) await mustBe(to, name, value);
  for (const each of found) await mustBeCopy(from, to, each);

  await to.setState(COPYING, true);
  const done: (Migrated & { readonly counts: Counts })[] = [];
  for (const each of found) {
    const carried = await carryTenant(options, each);
    const shelves = each.shelves.map(({ name }) => name);
    const [before, after] = await Promise.all([from, to].map((store) => countsIn(store, shelves)));
    if (
      before === undefined ||
      after === undefined ||
      CONDITION_NAMES.some((condition) => before[condition] !== after[condition])
    )
      throw conflict(`${each.tenant.id}: not every row came over; somebody else writes to one of the stores`);
    done.push({ ...carried, counts: after });
  }
  // last: once these exist, everything else does
  for (const [name, value] of common) await to.setState(name, value);
  await to.setState(COPYING, undefined);
  return done;
}

interface Found {
  readonly tenant: MigratedTenant;
  readonly kept: Kept;
  readonly shelves: readonly Shelf[];
  readonly states: readonly State[];
}

type State = readonly [name: string, value: unknown];

const isThere = <T>(value: T | undefined): value is T => value !== undefined;

/** What is stored beside the rows. No sync has finished on the new store. */
async function statesOf(from: Store, tenant: MigratedTenant): Promise<Found | undefined> {
  const { id } = tenant;
  const kept = (await from.getState(`tenant:${id}`)) as Kept | undefined;
  if (kept === undefined) return undefined;
  const others = await valuesOf(from, [`deleting:${id}`, `looking:${id}`, `applying:${id}`]);
  const deleting = ((await from.getState(`deleting:${id}`)) ?? []) as readonly string[];
  const shelves = [
    { name: id, hidden: [] },
    { name: groupsOf(id), hidden: [RULES_ID, ...deleting] },
  ];
  return { tenant, kept, shelves, states: [...others, [`tenant:${id}`, { ...kept, synced: null }]] };
}

async function valuesOf(store: Store, names: readonly string[]): Promise<readonly State[]> {
  const values = await Promise.all(names.map((name) => store.getState(name)));
  return names.map((name, at): State => [name, values[at]]).filter(([, value]) => value !== undefined);
}

async function carryTenant({ from, to, onProgress }: MigrateStoreOptions, { tenant, kept, shelves, states }: Found) {
  const uniques = {
    users: { instance: kept.instance, externalId: kept.externalId },
    groups: { instance: kept.instance, externalId: false, displayName: tenant.uniqueDisplayName },
  };
  let carried: Migrated = { tenant: tenant.id, users: 0, groups: 0, already: 0 };
  for (const shelf of shelves) {
    const kind = isGroupRow({ tenant: shelf.name }) ? 'groups' : 'users';
    const rows = toCarry(from, shelf);
    const work = async (): Promise<void> => {
      for await (const row of rows) {
        const isNew = await carryRow(from, to, row, uniques[kind]);
        carried = { ...carried, [kind]: carried[kind] + 1, already: carried.already + (isNew ? 0 : 1) };
        if ((carried.users + carried.groups) % PROGRESS === 0) onProgress(carried);
      }
    };
    // each worker takes the next row
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  for (const [name, value] of states) await to.setState(name, value);
  return carried;
}

/** False: an earlier run has written it. */
async function carryRow(from: Store, to: Store, row: Row, unique: Unique): Promise<boolean> {
  const key = keyOf(row);
  const index = await heldIndex(from, row, unique);
  const result = await writeAsked(to, { key, expect: 0, row, index }, { durable: true });
  if (result.kind === 'ok') return true;
  if (result.kind === 'version' && isSame(await to.read(key), row)) return false;
  const other = result.kind === 'name' ? result.holder : key;
  throw conflict(`somebody else wrote ${nameOf(other)} there: a bridge runs on it already`);
}

/** A row's index entry, with the names reserved in the first store: another row may have had them before. */
async function heldIndex(from: Store, row: Row, unique: Unique): Promise<Index> {
  const index = indexOf(row, unique);
  const names = [...new Set([...index.reservations, ...index.reservations.map(heldName)])];
  const holders = await Promise.all(names.map((name) => from.reservedBy(unique.instance, name)));
  const reserved = names.filter((_, at) => holders[at]?.tenant === row.tenant && holders[at]?.id === row.id);
  return { ...index, reservations: reserved };
}

/** The target has no data of the tenant, or only what this migration would write. */
async function mustBeCopy(from: Store, to: Store, { tenant, shelves, states }: Found): Promise<void> {
  for (const [name, value] of states) await mustBe(to, name, value);
  for (const shelf of shelves) {
    for await (const row of allRows(to, shelf)) {
      const own = await from.read(keyOf(row));
      if (own === undefined || !isToMigrate(own) || !isSame(row, own))
        throw conflict(`it has rows of tenant ${tenant.id} that are not these (${nameOf(row)})`);
    }
  }
}

async function mustBe(to: Store, name: string, value: unknown): Promise<void> {
  const there = await to.getState(name);
  if (there !== undefined && !isDeepStrictEqual(there, value))
    throw conflict(`a bridge has run on it, or one has run on DATA_DIR since an earlier copy (${name})`);
}

async function countsIn(store: Store, shelves: readonly string[]): Promise<Counts> {
  const found = await Promise.all(shelves.map((shelf) => store.counts(shelf)));
  return found.reduce((left, right) => sum(left, right), NO_COUNTS);
}

const nameOf = ({ tenant, id }: Key): string => `${id} of ${tenant}`;

const conflict = (what: string): BridgeError => new BridgeError(409, `the other store cannot take the copy: ${what}`);
