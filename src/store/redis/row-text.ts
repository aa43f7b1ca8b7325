import type { Change, Index, Key, Row } from '../../bridge/row/types.ts';
import type { IndexName, Write } from '../../bridge/ports/store.ts';
import { fold, memberText, namesOf } from '../index-text.ts';
import { BridgeError, DamagedRow } from '../../errors.ts';
import { requireRow } from '../unavailable.ts';
import { packed, unpacked } from './row-body.ts';
import { NO_SEAL, type Seal } from './sealed.ts';
import { CONDITIONS, conditionsOf, pendingSince } from '../conditions.ts';

/**
 * Default values that are omitted from the text. Stored rows omit them too: a value here must never change
 * its meaning. Frozen, because all rows share them.
 */
const USUAL = {
  confirmed: null,
  pending: Object.freeze([]),
  doubt: false,
  calling: null,
  sentName: null,
  recheck: null,
  deadLetters: Object.freeze([]),
  blocked: null,
  hidden: null,
  repeated: null,
  attempts: 0,
  dueAt: null,
  lastError: null,
  replay: null,
  verifiedAt: 0,
  sequence: null,
  trusted: Object.freeze([]),
  rights: Object.freeze({ at: 0, sent: 0 }),
  tombstone: null,
} as const satisfies Partial<Row>;

/** Input of the write script; '' for absent values. */
export interface RowText {
  readonly version: string;
  /** JSON [[set of a condition, ...], [entry of the index, ...]] */
  readonly head: string;
  /** JSON [instance, name, ...], or [] */
  readonly names: string;
  /** JSON [display, group, ...], or [] */
  readonly members: string;
  readonly body: Buffer | '';
  /** positions in the sorted sets */
  readonly created: string;
  readonly dueAt: string;
  readonly since: string;
  readonly tombstone: string;
}

const NO_ROW: RowText = {
  version: '',
  head: '[[],[]]',
  names: '[]',
  members: '[]',
  body: '',
  created: '',
  dueAt: '',
  since: '',
  tombstone: '',
};

/** Throws RangeError for a time that no sorted set has a place for (a script stops in the middle of it), and BridgeError for a password hash without a key. */
export function rowText({ key, row, index }: Write, seal: Seal = NO_SEAL): RowText {
  if (row === null) return NO_ROW;
  const reserved = namesOf(index);
  return {
    version: String(row.version),
    head: JSON.stringify([conditionsOf(row).map((name) => CONDITIONS[name].stored), foundBy(index)]),
    names: reserved.length === 0 ? '[]' : JSON.stringify([index.instance.toWellFormed(), ...reserved]),
    members: memberText(index),
    body: bodyOf(row, seal.close(key, row.pending)),
    created: index.visible ? place(row.created) : '',
    dueAt: place(row.dueAt),
    since: place(pendingSince(row)),
    tombstone: place(row.tombstone),
  };
}

/** Lines before the row itself. */
const LINES = 4;

/** Throws DamagedRow for anything that is not a row, another BridgeError 503 for a row written by a newer bridge. */
export function rowFrom({ tenant, id }: Key, value: Buffer, seal: Seal = NO_SEAL): Row {
  let body = 0;
  for (let line = 0; line < LINES && (line === 0 || body > 0); line++) body = value.indexOf('\n', body) + 1;
  // no version wrote a row without header lines
  if (body === 0 || !Number.isInteger(versionOf(value))) throw new DamagedRow(id);
  try {
    const kept = unpacked(value.subarray(body)) as Partial<Row> | null;
    if (typeof kept?.created !== 'number') throw new TypeError('it is no row');
    const pending = seal.open({ tenant, id }, kept.pending ?? USUAL.pending);
    return requireRow({ ...USUAL, ...kept, pending, tenant, id, version: versionOf(value) });
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    throw new DamagedRow(id, error);
  }
}

export const versionOf = (value: Buffer): number => Number(value.toString('latin1', 0, value.indexOf('\n')));

/**
 * Prefix of the entries of the shared look-up index; the id follows. A value that contains a line break may look like a
 * shorter one and an id, but no row has such an id.
 */
const indexEntry = (mark: string, value: string): string => `${mark}${value}\n`;

/** Most people's userName is their address: one entry then serves both. */
const BOTH = 'b';
const MARK: Readonly<Record<IndexName, string>> = { userName: 'u', externalId: 'x', email: 'e' };

/** Prefixes of the entries of rows that a look-up finds. */
export const sought = (index: IndexName, value: string): string[] =>
  index === 'externalId'
    ? [indexEntry(MARK.externalId, value.toWellFormed())]
    : [indexEntry(MARK[index], fold(value)), indexEntry(BOTH, fold(value))];

function foundBy({ visible, userName, externalId, emails }: Index): string[] {
  if (!visible) return [];
  const found = externalId === null ? [] : [indexEntry(MARK.externalId, externalId.toWellFormed())];
  const addresses = new Set(emails.map(fold));
  const name = userName === null ? undefined : fold(userName);
  if (name !== undefined) found.push(indexEntry(addresses.delete(name) ? BOTH : MARK.userName, name));
  for (const address of addresses) found.push(indexEntry(MARK.email, address));
  return found;
}

function place(time: number | null): string {
  if (time === null) return '';
  if (!Number.isFinite(time)) throw new RangeError(`${time} is no time`);
  return String(time);
}

function bodyOf(row: Row, sealed: readonly Change[]): Buffer {
  const kept: Record<string, unknown> = {};
  for (const [name, clear] of Object.entries(row)) {
    const value: unknown = name === 'pending' ? sealed : clear;
    if (!APART.has(name) && !isUsual(name, value)) kept[name] = value;
  }
  return packed(kept);
}

/** They follow from the key or the first line. */
const APART: ReadonlySet<string> = new Set(['tenant', 'id', 'version']);

function isUsual(name: string, value: unknown): boolean {
  if (!Object.hasOwn(USUAL, name)) return false;
  const usual: unknown = USUAL[name as keyof typeof USUAL];
  if (Array.isArray(usual)) return Array.isArray(value) && value.length === 0;
  return value === usual || (name === 'rights' && JSON.stringify(value) === RIGHTS);
}

const RIGHTS = JSON.stringify(USUAL.rights);
