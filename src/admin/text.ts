/** How texts, times and tables are shown to people. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units from the longest to the shortest; one is used from twice its length on, so that 90 min is not 1 h. */
const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [DAY, 'd'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
  [SECOND, 's'],
];

/** A length of time in ms as `42 s`, `90 min`, `3 d`. */
export function span(ms: number): string {
  const length = Math.max(0, ms);
  const [unit, name] = UNITS.find(([unit]) => length >= 2 * unit) ?? [SECOND, 's'];
  return `${Math.floor(length / unit)} ${name}`;
}

/** `2026-03-01 12:00:00 UTC` */
export const utc = (time: number): string => `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** `2026-03-01 12:00:00 UTC (3 d ago)`, or `(in 30 s)`. */
export function when(time: number, now: number): string {
  return `${utc(time)} (${time > now ? `in ${span(time - now)}` : `${span(now - time)} ago`})`;
}

/** One line without control characters: client and ZITADEL texts must not control a terminal. Limited to `most`. */
export function plain(text: string, most = 200): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\u{fffd}');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** Rows of cells as lines, each column as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** `1 row`, `2 rows` */
export const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;

/** Why nothing is delivered to a tenant's ZITADEL, for people. */
export const UNAVAILABLE = { unreachable: 'unreachable', rateLimited: 'rate limited', suspended: 'access suspended' };
