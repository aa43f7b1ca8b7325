/** The table: one row for each figure. */
import { cpus, loadavg, totalmem } from 'node:os';

export interface Figure {
  readonly work: string;
  readonly against: string;
  readonly measured: string;
  readonly goal: string;
  /** undefined: no goal on this machine */
  readonly reached?: boolean;
}

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory: string;
  readonly node: string;
  readonly zitadel: string;
}

const HEADINGS = ['work', 'against', 'measured', 'goal', 'reached'];

export function machine(zitadel: string): Machine {
  const all = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    zitadel,
  };
}

/** How busy the machine was in the last minute, in running processes. */
export const load = (): string => (loadavg()[0] ?? 0).toFixed(1);

/** With one digit below 10, with two below 1. */
export function figure(value: number, unit: string): string {
  const digits = Math.abs(value) < 1 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

export const ms = (value: number): string => figure(value, 'ms');
export const percent = (value: number): string => `${Math.round(value * 100)} %`;

const cellsOf = ({ work, against, measured, goal, reached }: Figure): string[] => [
  work,
  against,
  measured,
  goal,
  reached === undefined ? '-' : reached ? 'yes' : 'no',
];

/** For a terminal. */
export function table(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(' | ')
        .trimEnd(),
    )
    .join('\n');
}

export function machineLine({ date, cpu, cores, memory, node, zitadel }: Machine): string {
  return `${date}, ${cpu}, ${cores} cores, ${memory}, Node ${node}, ${zitadel}`;
}

/** docs/benchmarks.md */
export function markdown(figures: readonly Figure[], where: Machine, notes: readonly string[]): string {
  const rows = [HEADINGS, HEADINGS.map(() => '---'), ...figures.map(cellsOf)].map((row) => `| ${row.join(' | ')} |`);
  return [
    '# Benchmarks',
    '',
    'Made by `npm run bench -- --write`, which measures and writes this file. Bridge, ZITADEL and the client are processes of',
    'their own on one machine and share its cores. The sandbox takes as long for a call as a ZITADEL on two cores was measured',
    'to take, but where a row says "without latency". A direct call is made by the same client library as the bridge uses, in',
    'turns with the request it is held against.',
    '',
    'Waiting for each commit: two bridges on one sandbox, in turns. Each is the product with its commits counted; in the second',
    'no write waits until it would survive a power cut. Its commits are made all the same, within 5 ms.',
    '',
    'Event loop held: by monitorEventLoopDelay in the process that is measured, beyond its own 1 ms. Added ms: the thread that',
    'commits stands still so much longer before each COMMIT.',
    '',
    'ZITADEL away: the sandbox refuses connections and the breaker is open. Requests are made one after another where no number',
    'in flight is named, on users that were read longer ago than VIEW_MAX_AGE. ZITADEL back: from the moment the sandbox takes',
    'connections again, which the bridge notices within a second; the bare loop runs before and after, on the same sandbox.',
    '',
    'Groups: members are delivered when nothing is owed any more. A request that takes longer than ANSWER_WITHIN is answered before',
    'that. The direct calls are made in turns with the PATCH, by as many at a time as the bridge has under way. A role in the',
    'organization is given one call at a time, directly too: ZITADEL refuses two at once.',
    '',
    'Redis: the same as in the row above, on a redis-server of its own with appendonly yes and appendfsync always, its folder on',
    'the disk of the embedded store. Redis beside embedded: two bridges on one sandbox, in turns, round by round. An owed row: a user',
    'made while ZITADEL was away, with its indexes and its job; used_memory of Redis after less before, over the rows. One process',
    'answers and delivers. `npm run soak` is a run of its own, of ten minutes, with two processes that answer and one that delivers.',
    '',
    'With ZITADEL_URL, ZITADEL_TOKEN and ZITADEL_ORG_ID set, `npm run bench` measures the rows of single requests on that',
    'ZITADEL; the users it makes there are deleted afterwards.',
    '',
    `Measured: ${machineLine(where)}.`,
    '',
    ...rows,
    '',
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
}
