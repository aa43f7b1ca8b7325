/** One accepted write as calls on the tables: only what differs from the write before. */
import type { Counts, Index, Key, Row, Write } from '../../bridge/ports.ts';
import { NO_ROW } from './pending.ts';
import type { Entry, Slot } from './pending.ts';
import type { Call } from './schema.ts';

/** What a value is found by, without regard to case. Lone surrogates become U+FFFD, as the database would have it. */
export const fold = (value: string): string => value.toLowerCase().toWellFormed();

/** The write with everything it is found by in the form that is compared. */
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
      visible: index.visible ? 1 : 0,
      owed: row.changes.length > 0 ? 1 : 0,
      doubt: row.doubt ? 1 : 0,
      emails: JSON.stringify(emails),
      names: reserved.length === 0 ? '[]' : JSON.stringify([index.instance, ...reserved]),
    },
    userName: index.userName === null ? null : fold(index.userName),
    externalId: index.externalId?.toWellFormed() ?? null,
    emails,
    instance: index.instance,
    reserved,
  };
}

/** Reserved names without twins. */
const namesOf = ({ reserved }: Index): string[] => [...new Set(reserved.map((name) => name.toWellFormed()))];

export function countsBetween(before: Slot, { slot }: Entry): Counts {
  return {
    rows: slot.visible - before.visible,
    owed: slot.owed - before.owed,
    doubt: slot.doubt - before.doubt,
  };
}

/** The calls, and their size in characters, about. */
export function callsOf(before: Slot, entry: Entry, counts: Counts): { readonly calls: Call[]; readonly size: number } {
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
  if (counts.rows !== 0 || counts.owed !== 0 || counts.doubt !== 0) {
    calls.push(['addCounts', tenant, counts.rows, counts.owed, counts.doubt]);
  }
  return { calls, size: body.length + 200 * calls.length };
}

const texts = (json: string): string[] => JSON.parse(json) as string[];

function putRow({ key: { tenant, id }, slot, userName, externalId }: Entry, row: Row, body: string): Call {
  const { version, visible, owed, doubt, emails, names } = slot;
  const { created, dueAt, tombstone } = row;
  return [
    'putRow',
    tenant,
    id,
    version,
    visible,
    owed,
    doubt,
    created,
    userName,
    externalId,
    dueAt,
    tombstone,
    emails,
    names,
    body,
  ];
}
