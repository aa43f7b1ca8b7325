/** The table: one row for each figure. */
import { cpus, loadavg, totalmem } from 'node:os';

export interface Figure {
  readonly work: string;
  /** heading it stands under in docs/benchmarks.md */
  readonly section?: string;
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

const HEADINGS = ['Work', 'Measured', 'Compared with', 'Goal', 'Reached'];

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
  measured,
  against,
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

/** Characters of a table row that fit a screen. */
const ROW_WIDTH = 150;

const rowOf = (figure: Figure): string => `| ${cellsOf(figure).join(' | ')} |`;

/** The row, and what it has no room for: first what it is compared with, then the details behind the first semicolon. */
function fitted(figure: Figure, note: number): { readonly row: string; readonly note?: string } {
  const whole = rowOf(figure);
  if (whole.length <= ROW_WIDTH) return { row: whole };
  const against = `compared with ${figure.against}`;
  const short = rowOf({ ...figure, against: `note ${note}` });
  if (figure.against !== '-' && short.length <= ROW_WIDTH) return { row: short, note: against };
  const [first = '', ...details] = figure.measured.split('; ');
  const row = rowOf({ ...figure, measured: first, against: `note ${note}` });
  return { row, note: [...details, ...(figure.against === '-' ? [] : [against])].join('; ') };
}

function sectionOf(title: string, figures: readonly Figure[]): string {
  const rows: string[] = [];
  const notes: string[] = [];
  for (const each of figures) {
    const { row, note } = fitted(each, notes.length + 1);
    rows.push(row);
    if (note !== undefined) notes.push(`${notes.length + 1}. ${note}`);
  }
  const head = [`| ${HEADINGS.join(' | ')} |`, `| ${HEADINGS.map(() => '---').join(' | ')} |`];
  return [`### ${title}`, '', ...head, ...rows, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

const BEGIN = '<!-- generated: figures -->';
const END = '<!-- end -->';

/** docs/benchmarks.md with these figures between its markers. What people wrote around them is left alone: look whether it still holds. */
export function withFigures(document: string, figures: readonly Figure[], where: Machine, took: string): string {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`no ${BEGIN} and ${END}`);
  const sections = Object.entries(Object.groupBy(figures, ({ section }) => section ?? 'Other'));
  const tables = sections.map(([title, rows = []]) => sectionOf(title, rows));
  return `${before}${[BEGIN, `Measured: ${machineLine(where)}. ${took}`, ...tables, END].join('\n\n')}${after}`;
}
