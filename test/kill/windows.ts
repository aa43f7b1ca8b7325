import type { Change, Row } from '../../src/bridge/row/types.ts';
import { type Life, markOf, type Wish } from './lives.ts';
import type { Written } from './people.ts';

/** The windows that a full run has to hit, in the order in which a write goes through them. */
export const WINDOWS = [
  'appended, not sent',
  'sent, not answered by ZITADEL',
  'answered by ZITADEL, not settled',
  'settled, not answered to the client',
  'answered, not delivered',
] as const;

export type Window = (typeof WINDOWS)[number];

/** One kill. */
export interface Scene {
  /** the life of the process, ms since 1970 */
  readonly started: number;
  readonly killed: number;
  /** rows that the process left not quiet */
  readonly rows: readonly Row[];
  readonly lives: readonly Life[];
  /** all writes that came to ZITADEL before the kill, with those that were applied after it */
  readonly written: readonly Written[];
}

/** Users hit in each window; one with several changes may stand in several. */
export function hits(scene: Scene): ReadonlyMap<Window, number> {
  const { rows, lives, written } = scene;
  const log = Map.groupBy(
    written.filter(({ began }) => began <= scene.killed),
    ({ id }) => id,
  );
  const byBirth = new Map(rows.map((row) => [birthOf(row), row]));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const counts = new Map<Window, number>(WINDOWS.map((window) => [window, 0]));
  for (const life of lives) {
    const row = byId.get(life.id ?? '') ?? byBirth.get(life.birth);
    const id = row?.id ?? life.id ?? idOf(life, log) ?? '';
    for (const window of new Set(windowsOf(life, row, log.get(id) ?? [], scene)))
      counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  return counts;
}

type Span = Pick<Scene, 'started' | 'killed'>;

function* windowsOf(life: Life, row: Row | undefined, log: readonly Written[], span: Span): Generator<Window> {
  const confirmed = life.wishes.filter(({ sent }) => sent <= span.killed);
  for (const change of row?.pending ?? []) {
    const wishes = confirmed.filter((wish) => isOf(change, wish));
    // memberships and rights are nobody's wish about this user
    if (row !== undefined && wishes.length > 0) yield* ofChange(change, wishes, row, log, span);
  }
  for (const wish of confirmed) {
    const open = wish.status === undefined && (wish.ended === undefined || wish.ended >= span.killed);
    const left = row?.pending.some((change) => isOf(change, wish)) ?? false;
    if (open && !left && log.some((call) => isAnswered(call, span) && isFor(call, wish)))
      yield 'settled, not answered to the client';
  }
}

/** How far a change had come that was not settled. What an earlier process left there counts as owed alone. @param wishes the request, and its repeats */
function* ofChange(
  change: Change,
  wishes: readonly Wish[],
  row: Row,
  log: readonly Written[],
  span: Span,
): Generator<Window> {
  const calls = log.filter((call) => call.began >= change.at);
  const applied = calls.filter((call) => isAnswered(call, span) && wishes.some((wish) => isFor(call, wish)));
  const answered = wishes.some(({ end }) => end === 'answered');
  const calm = row.attempts === 0;
  if (calls.some(({ time }) => time > span.killed)) yield 'sent, not answered by ZITADEL';
  else if (calm && applied.some(({ time }) => time >= span.started)) yield 'answered by ZITADEL, not settled';
  else if (calm && calls.length === 0 && !answered && change.at >= span.started) yield 'appended, not sent';
  if (answered && applied.length === 0) yield 'answered, not delivered';
}

/** ZITADEL did it and its answer left before the kill. */
const isAnswered = ({ outcome, answered, time }: Written, { killed }: Span): boolean =>
  outcome === 'ok' && answered && time <= killed;

const birthOf = ({ confirmed, pending: changes }: Row): string =>
  (confirmed ?? changes.find(({ kind }) => kind === 'create')?.facts)?.['familyName'] ?? '';

/** The id under which a create came to ZITADEL whose client knows none. */
function idOf({ birth }: Life, log: ReadonlyMap<string, readonly Written[]>): string | undefined {
  for (const [id, writes] of log) if (writes.some(({ text }) => text.includes(`"${birth}"`))) return id;
  return undefined;
}

/** Whether a change of the row is what this wish became: by the value that no other wish has, else by the times. */
function isOf(change: Change, { kind, values, sent, ended }: Wish): boolean {
  if (change.kind !== kind) return false;
  const mark = markOf(values);
  if (mark !== undefined) return JSON.stringify(change.facts).includes(mark);
  if (kind === 'edit' && !('state' in change.facts)) return false;
  return change.at >= sent && change.at <= (ended ?? Number.POSITIVE_INFINITY);
}

/** Whether a call carries the wish. */
function isFor({ method, text, began }: Written, { kind, values, sent }: Wish): boolean {
  const mark = markOf(values);
  if (mark !== undefined) return text.includes(mark);
  if (kind === 'delete') return method === 'DeleteUser' && began >= sent;
  return method === (values['active'] === 'true' ? 'ReactivateUser' : 'DeactivateUser') && began >= sent;
}
