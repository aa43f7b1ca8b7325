/** Rows as earlier versions of the bridge stored them, under the field names of that version. */
import type { Row } from '../bridge/row/types.ts';

/** Old name -> current name. */
const ROW_FIELDS: Readonly<Record<string, string>> = {
  known: 'confirmed',
  changes: 'pending',
  confirm: 'recheck',
  dead: 'deadLetters',
  stuck: 'repeated',
  createMark: 'replay',
  vouched: 'trusted',
};
const CHANGE_FIELDS: Readonly<Record<string, string>> = {
  answered: 'acknowledged',
  orphan: 'abandoned',
  held: 'onHold',
};
const RECHECK_FIELDS: Readonly<Record<string, string>> = { until: 'at' };
const DEAD_LETTER_FIELDS: Readonly<Record<string, string>> = { died: 'deadAt' };

type Json = Readonly<Record<string, unknown>>;

/** A stored row under the current names. A row that has them already is unchanged. */
export function renamedFields(stored: Json): Partial<Row> {
  const row: Record<string, unknown> = renamed(stored, ROW_FIELDS);
  if (Array.isArray(row['pending'])) row['pending'] = row['pending'].map((each: Json) => renamed(each, CHANGE_FIELDS));
  if (row['recheck'] != null) row['recheck'] = renamed(row['recheck'] as Json, RECHECK_FIELDS);
  if (Array.isArray(row['deadLetters']))
    row['deadLetters'] = row['deadLetters'].map((each: Json) => renamed(each, DEAD_LETTER_FIELDS));
  return row;
}

const renamed = (from: Json, names: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [names[name] ?? name, value]));
