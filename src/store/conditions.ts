/** THE CONDITIONS TABLE: what an operator may have to look at. Metrics, doctor, --kind, the stores and docs/commands.md are derived from it. */
import type { Condition, Counts } from '../bridge/ports/store.ts';
import type { Change, Row } from '../bridge/row/types.ts';

interface ConditionRow {
  /** as --kind takes it; with _ for - it is part of the metric's name, and the column of the embedded store */
  readonly flag: string;
  /** completes "users and groups ..." */
  readonly description: string;
  readonly test: (row: Row) => boolean;
  /** name of the set in Redis, as in the first version */
  readonly stored: string;
  /** normal: it resolves itself. action: it waits for an operator */
  readonly severity: 'normal' | 'action';
}

const isOnHold = ({ onHold }: Change): boolean => onHold === true;

// biome-ignore format: one row is one fact
export const CONDITIONS: Readonly<Record<Condition, ConditionRow>> = {
  pending: { flag: 'pending', stored: 'owed', severity: 'normal', test: ({ pending }) => !pending.every(isOnHold), description: 'with changes that are not settled in ZITADEL yet; they are retried automatically' },
  inDoubt: { flag: 'in-doubt', stored: 'doubt', severity: 'normal', test: ({ doubt }) => doubt, description: 'with a call to ZITADEL whose outcome is unknown; they are read back before anything else is sent' },
  deadLetter: { flag: 'dead-letter', stored: 'dead', severity: 'action', test: ({ deadLetters }) => deadLetters.length > 0, description: 'with an acknowledged change that ZITADEL refused for good; they are shown as ZITADEL has them' },
  onHold: { flag: 'on-hold', stored: 'held', severity: 'action', test: ({ pending }) => pending.some(isOnHold), description: 'with a change from before a long downtime or a restored backup; an operator decides whether it is still wanted' },
  blocked: { flag: 'blocked', stored: 'blocked', severity: 'action', test: ({ blocked }) => blocked !== null, description: 'with a change that the token is not permitted to make; it is retried every SYNC_INTERVAL' },
  hidden: { flag: 'hidden', stored: 'hidden', severity: 'action', test: ({ hidden }) => hidden !== null, description: "that ZITADEL's commands know and its reads do not show; they are served and delivered to" },
};

export const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly Condition[];

export const conditionsOf = (row: Row): Condition[] => CONDITION_NAMES.filter((name) => CONDITIONS[name].test(row));

export const flagOf = (name: Condition): string => CONDITIONS[name].flag;
export const flagsOf = (names: readonly Condition[]): string[] => names.map(flagOf);

/** Part of a metric's name, and the column of the embedded store. */
export const snakeOf = (name: Condition): string => flagOf(name).replace('-', '_');

const COUNTED = ['rows', ...CONDITION_NAMES] as const;

const countsBy = (count: (name: keyof Counts) => number): Counts =>
  Object.fromEntries(COUNTED.map((name) => [name, count(name)])) as Counts;

export const NO_COUNTS: Counts = countsBy(() => 0);

/** What a row adds to the counts of its tenant. */
export const countsOf = (row: Row, visible: boolean): Counts =>
  countsBy((name) => Number(name === 'rows' ? visible : CONDITIONS[name].test(row)));

/** left + right, or left - right with sign -1. */
export const sum = (left: Counts, right: Counts, sign: 1 | -1 = 1): Counts =>
  countsBy((name) => left[name] + sign * right[name]);

export const isNothing = (counts: Counts): boolean => COUNTED.every((name) => counts[name] === 0);

/** In the order of the columns and sets of the stores. */
export const cellsOf = (counts: Counts): number[] => COUNTED.map((name) => counts[name]);

export const countsFrom = (cells: readonly number[]): Counts => countsBy((name) => cells[COUNTED.indexOf(name)] ?? 0);

/** When the oldest pending change not on hold was requested; null: none. Clocks jump, so it need not be first. */
export function pendingSince({ pending }: Row): number | null {
  let oldest: number | null = null;
  for (const change of pending) {
    if (!isOnHold(change) && (oldest === null || change.at < oldest)) oldest = change.at;
  }
  return oldest;
}
