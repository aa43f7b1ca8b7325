import type { Counts, MemberSet, Write } from '../../bridge/ports/store.ts';
import type { Key, Row } from '../../bridge/row/types.ts';
import { fold, memberText, namesOf } from '../index-text.ts';
import { cellsOf, countsOf, isNothing, pendingSince, sum } from '../conditions.ts';
import { NO_ROW } from './pending.ts';
import type { Entry, Slot } from './pending.ts';
import type { Memberships } from './memberships.ts';
import type { Call } from './schema.ts';

/** The write with all look-up values in their compared form. */
export function entryOf({ key: { tenant, id }, row, index }: Write): Entry {
  const key: Key = { tenant, id };
  if (row === null) {
    return { key, row, slot: NO_ROW, userName: null, externalId: null, emails: [], instance: '', reserved: [] };
  }
  const emails = [...new Set(index.emails.map(fold))];
  const reserved = namesOf(index);
  return {
    key,
    row,
    slot: {
      version: row.version,
      counts: countsOf(row, index.visible),
      emails: JSON.stringify(emails),
      names: reserved.length === 0 ? '[]' : JSON.stringify([index.instance, ...reserved]),
      members: memberText(index),
    },
    userName: index.userName === null ? null : fold(index.userName),
    externalId: index.externalId?.toWellFormed() ?? null,
    emails,
    instance: index.instance,
    reserved,
  };
}

export const countsBetween = (before: Slot, { slot }: Entry): Counts => sum(slot.counts, before.counts, -1);

/** What a write changes besides its row. */
export interface Difference {
  readonly counts: Counts;
  readonly memberships: Memberships;
  /** every group that the row joins or leaves, with its members after the write */
  readonly sets: readonly { readonly group: string; readonly set: MemberSet }[];
}

/** The calls, and their approximate size in characters. */
export function callsOf(
  before: Slot,
  entry: Entry,
  { counts, memberships, sets }: Difference,
): { readonly calls: Call[]; readonly size: number } {
  const { tenant, id } = entry.key;
  const calls: Call[] = [];
  const body = entry.row === null ? '' : JSON.stringify(entry.row);
  if (entry.row === null) calls.push(['removeRow', tenant, id]);
  else calls.push(putRow(entry, entry.row, body));

  if (before.emails !== entry.slot.emails) {
    const old = texts(before.emails);
    for (const email of old) if (!entry.emails.includes(email)) calls.push(['removeEmail', tenant, email, id]);
    for (const email of entry.emails) if (!old.includes(email)) calls.push(['addEmail', tenant, email, id]);
  }
  if (before.names !== entry.slot.names) {
    const [instance = '', ...old] = texts(before.names);
    for (const name of old) calls.push(['removeName', instance, name]);
    for (const name of entry.reserved) calls.push(['addName', entry.instance, name, tenant, id]);
  }
  const { moves, renamed, display } = memberships;
  for (const { group, by } of moves) {
    calls.push(by === 1 ? ['putMember', tenant, group, id, display] : ['removeMember', tenant, group, id]);
  }
  for (const group of renamed) calls.push(['putMember', tenant, group, id, display]);
  for (const { group, set } of sets) {
    calls.push(['putMemberSet', tenant, group, set.count, set.revision, set.modified]);
  }
  if (!isNothing(counts)) calls.push(['addCounts', tenant, ...cellsOf(counts)]);
  return { calls, size: body.length + 200 * calls.length };
}

const texts = (json: string): string[] => JSON.parse(json) as string[];

function putRow({ key: { tenant, id }, slot, userName, externalId }: Entry, row: Row, body: string): Call {
  const { version, counts, emails, names, members } = slot;
  const { created, dueAt, tombstone } = row;
  return [
    'putRow',
    tenant,
    id,
    version,
    ...cellsOf(counts),
    created,
    userName,
    externalId,
    dueAt,
    pendingSince(row),
    tombstone,
    emails,
    names,
    members,
    body,
  ];
}
