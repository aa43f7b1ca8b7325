/** Rows in trouble as lines for people. */
import type { Comparison, QueueDetail, QueueEntry } from '../bridge/ports/operator.ts';
import type { Change } from '../bridge/row/types.ts';
import type { Counts, Condition } from '../bridge/ports/store.ts';
import { TROUBLES } from './arguments.ts';
import { columns, plain, span, when } from './text.ts';

export interface Listed {
  readonly entries: readonly QueueEntry[];
  readonly counts: readonly (readonly [tenant: string, counts: Counts])[];
  /** undefined: every trouble */
  readonly kind: Condition | undefined;
  /** it is said where each row stands */
  readonly several: boolean;
}

/** When the oldest of what is not settled was asked; blocked rows that owe nothing come last. */
export const since = ({ pending: changes, deadLetters: dead }: QueueEntry): number =>
  Math.min(...changes.map(({ at }) => at), ...dead.map(({ at }) => at), Number.MAX_SAFE_INTEGER);

const reason = ({ blocked, deadLetters: dead, lastError, conditions }: QueueEntry): string =>
  blocked ?? dead.at(-1)?.reason ?? lastError ?? (conditions.includes('hidden') ? HIDDEN : '');

const HIDDEN = "ZITADEL's reads have lost the user: rebuild its projection, or `user recreate`";

/** Ids, troubles, ages, attempts and reasons; no values. */
export function listLines({ entries, counts, kind, several }: Listed, now: number): string[] {
  const head = [...(several ? ['TENANT'] : []), 'ID', 'TROUBLE', 'AGE', 'ATTEMPTS', 'REASON'];
  const rows = entries.map((entry) => [
    ...(several ? [entry.tenant] : []),
    plain(entry.id),
    entry.conditions.join(','),
    since(entry) === Number.MAX_SAFE_INTEGER ? '-' : span(now - since(entry)),
    String(entry.attempts),
    plain(reason(entry), 120),
  ]);
  const all = kind === undefined ? TROUBLES : [kind];
  return [
    ...(rows.length === 0 ? ['nothing to show'] : columns([head, ...rows])),
    ...counts.map(([tenant, of]) => `${tenant}: ${all.map((condition) => `${condition} ${of[condition]}`).join(', ')}`),
  ];
}

export function showLines(detail: QueueDetail, now: number): string[] {
  return [
    `${detail.id} of ${detail.tenant}: ${detail.conditions.join(', ') || 'settled'}`,
    '',
    ...columns([
      ...detail.pending.map(({ kind, onHold: held, acknowledged: answered, who, at, txn, facts: names }) => [
        held ? 'held' : 'owed',
        `${kind}${answered ? '' : ' (not answered)'} of ${factsOf(kind, names)}; by ${plain(who)}, ${when(at, now)}, transaction ${plain(txn)}`,
      ]),
      ...detail.deadLetters.flatMap(
        ({ kind, rights, cause, who, at, txn, deadAt: died, reason: why, facts: names }) => [
          [
            'dead',
            `${rights ? `rights: ${plain(names.join(', '))}` : `${kind} of ${factsOf(kind, names)}`}; by ${plain(who)}, ${when(at, now)}, transaction ${plain(txn)}`,
          ],
          ['', `${cause}, given up ${when(died, now)}: ${plain(why, 1_000)}`],
        ],
      ),
      ...(detail.blocked === null ? [] : [['blocked', plain(detail.blocked, 1_000)]]),
      ...(detail.conditions.includes('hidden') ? [['hidden', HIDDEN]] : []),
      ['attempts', String(detail.attempts)],
      ['last error', detail.lastError === null ? 'none' : plain(detail.lastError, 1_000)],
      ['next try', detail.dueAt === null ? 'not by itself' : when(detail.dueAt, now)],
      ['ZITADEL', plain(detail.zitadel)],
    ]),
    ...comparisonLines(detail),
  ];
}

/** An edit without facts asks that the rights are looked at again. */
function factsOf(kind: Change['kind'], names: readonly string[]): string {
  if (names.length > 0) return plain(names.join(', '));
  return kind === 'edit' ? 'rights' : 'no facts';
}

function comparisonLines({ wish, differences }: QueueDetail): string[] {
  if (differences.length === 0)
    return ['', wish === 'delete' ? 'what is asked: it is deleted' : 'asked, last confirmed and ZITADEL agree'];
  const head = ['FACT', 'ASKED', 'LAST CONFIRMED', 'ZITADEL NOW'];
  return ['', ...columns([head, ...differences.map(comparisonCells)])];
}

const comparisonCells = ({ fact, asked, known: confirmed, zitadel }: Comparison): string[] => [
  plain(fact),
  ...[asked, confirmed, zitadel].map(value),
];

/** Texts in quotes, so that one that reads "(not set)" is told from a fact that is not set. */
function value(text: string | null | undefined): string {
  if (text === undefined) return '(not read)';
  return text === null ? '(not set)' : `"${plain(text, 60)}"`;
}
