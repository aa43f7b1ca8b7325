/** Rows with a condition as lines for people. */
import type { Comparison, QueueDetail, QueueEntry } from '../bridge/ports/operator.ts';
import type { Change } from '../bridge/row/types.ts';
import type { Counts, Condition } from '../bridge/ports/store.ts';
import { CONDITION_NAMES, flagOf, flagsOf } from '../store/conditions.ts';
import { columns, plain, span, when } from './text.ts';

export interface Listed {
  readonly entries: readonly QueueEntry[];
  readonly counts: readonly (readonly [tenant: string, counts: Counts])[];
  /** undefined: every condition */
  readonly kind: Condition | undefined;
  /** the tenant of each row is shown */
  readonly several: boolean;
}

/** When the oldest unsettled change was requested; blocked rows without any come last. */
export const since = ({ pending: changes, deadLetters: dead }: QueueEntry): number =>
  Math.min(...changes.map(({ at }) => at), ...dead.map(({ at }) => at), Number.MAX_SAFE_INTEGER);

const reason = ({ blocked, deadLetters: dead, lastError, conditions }: QueueEntry): string =>
  blocked ?? dead.at(-1)?.reason ?? lastError ?? (conditions.includes('hidden') ? HIDDEN : '');

const HIDDEN = 'ZITADEL no longer shows the user: rebuild its projection, or run `user recreate`';

/** Ids, conditions, ages, attempts and reasons; no values. */
export function listLines({ entries, counts, kind, several }: Listed, now: number): string[] {
  const head = [...(several ? ['TENANT'] : []), 'ID', 'CONDITION', 'AGE', 'ATTEMPTS', 'REASON'];
  const rows = entries.map((entry) => [
    ...(several ? [entry.tenant] : []),
    plain(entry.id),
    flagsOf(entry.conditions).join(','),
    since(entry) === Number.MAX_SAFE_INTEGER ? '-' : span(now - since(entry)),
    String(entry.attempts),
    plain(reason(entry), 120),
  ]);
  const all = kind === undefined ? CONDITION_NAMES : [kind];
  return [
    ...(rows.length === 0 ? ['No matching rows'] : columns([head, ...rows])),
    ...counts.map(
      ([tenant, of]) => `${tenant}: ${all.map((condition) => `${flagOf(condition)} ${of[condition]}`).join(', ')}`,
    ),
  ];
}

export function showLines(detail: QueueDetail, now: number): string[] {
  return [
    `${detail.id} of ${detail.tenant}: ${flagsOf(detail.conditions).join(', ') || 'settled'}`,
    '',
    ...columns([
      ...detail.pending.map(({ kind, onHold, acknowledged, who, at, txn, facts: names }) => [
        onHold ? 'on hold' : 'pending',
        `${kind}${acknowledged ? '' : ' (not acknowledged)'} of ${factsOf(kind, names)}; by ${plain(who)}, ${when(at, now)}, transaction ${plain(txn)}`,
      ]),
      ...detail.deadLetters.flatMap(
        ({ kind, rights, cause, who, at, txn, deadAt: died, reason: why, facts: names }) => [
          [
            'dead letter',
            `${rights ? `rights: ${plain(names.join(', '))}` : `${kind} of ${factsOf(kind, names)}`}; by ${plain(who)}, ${when(at, now)}, transaction ${plain(txn)}`,
          ],
          ['', `${cause}, dead since ${when(died, now)}: ${plain(why, 1_000)}`],
        ],
      ),
      ...(detail.blocked === null ? [] : [['blocked', plain(detail.blocked, 1_000)]]),
      ...(detail.conditions.includes('hidden') ? [['hidden', HIDDEN]] : []),
      ['attempts', String(detail.attempts)],
      ['last error', detail.lastError === null ? 'none' : plain(detail.lastError, 1_000)],
      ['next attempt', detail.dueAt === null ? 'none scheduled' : when(detail.dueAt, now)],
      ['ZITADEL', plain(detail.zitadel)],
    ]),
    ...comparisonLines(detail),
  ];
}

/** An edit without facts asks to evaluate the rights again. */
function factsOf(kind: Change['kind'], names: readonly string[]): string {
  if (names.length > 0) return plain(names.join(', '));
  return kind === 'edit' ? 'rights' : 'no facts';
}

function comparisonLines({ wish, differences }: QueueDetail): string[] {
  if (differences.length === 0)
    return ['', wish === 'delete' ? 'requested: deletion' : 'requested, last confirmed and ZITADEL agree'];
  const head = ['FACT', 'REQUESTED', 'LAST CONFIRMED', 'ZITADEL NOW'];
  return ['', ...columns([head, ...differences.map(comparisonCells)])];
}

const comparisonCells = ({ fact, asked, known: confirmed, zitadel }: Comparison): string[] => [
  plain(fact),
  ...[asked, confirmed, zitadel].map(value),
];

/** Values are quoted, so that the text "(not set)" differs from a fact that is not set. */
function value(text: string | null | undefined): string {
  if (text === undefined) return '(not read)';
  return text === null ? '(not set)' : `"${plain(text, 60)}"`;
}
