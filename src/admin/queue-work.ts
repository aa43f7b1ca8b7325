/** queue retry, drop and release: on one row, or on all with a condition. */
import type { Done, Operator } from '../bridge/ports/operator.ts';
import type { Condition } from '../bridge/ports/store.ts';
import { BridgeError } from '../errors.ts';
import { flagsOf } from '../store/conditions.ts';
import type { Args } from './arguments.ts';
import type { Desk } from './desk.ts';
import { type Chosen, chosen, holderOf } from './tenants.ts';
import { count, plain } from './text.ts';
import type { Answer, Asker, Verb } from './verb.ts';

/** Rows per read when working on all. */
const SLICE = 100;
/** Rows per progress line. */
const TOLD_EACH = 500;
const MOST_LINES = 20;

type Act = (operator: Operator, id: string) => Promise<Done>;

interface Work {
  readonly act: Act;
  /** --all without --kind */
  readonly conditions: readonly Condition[];
  /** rows that are in another of these as well are left out, because the command would act on both: handle them one by one */
  readonly spares: readonly Condition[];
}

/** A command that acts on one row, or on all rows with the given conditions. */
export function working(act: Act, conditions: readonly Condition[], spares: readonly Condition[] = []): Verb['run'] {
  return async (desk, args, asker) => {
    const work = { act, conditions: args.kind === undefined ? conditions : [args.kind], spares };
    if (args.all === true) return onAll(desk, args, work, asker);
    const id = args.id ?? '';
    const [, operator] = await holderOf(desk, args, id);
    const done = await act(operator, id);
    return { lines: [plain(done.told)], value: done, exit: 0 };
  };
}

/** The results so far; an outage of the store ends the work. */
interface Tally {
  rows: number;
  readonly told: Map<string, number>;
  readonly spared: string[];
  stopped?: string;
}

async function onAll(desk: Desk, args: Args, work: Work, asker: Asker): Promise<Answer> {
  const tally: Tally = { rows: 0, told: new Map(), spared: [] };
  for (const each of chosen(desk, args)) {
    if (tally.stopped === undefined) await onTenant(each, work, asker, tally);
  }
  const { rows, spared, stopped = null } = tally;
  const told = [...tally.told].toSorted((a, b) => b[1] - a[1]);
  return {
    lines: tallyLines(told, tally, work),
    value: { rows, told: Object.fromEntries(told), spared, stopped },
    exit: stopped === null && spared.length === 0 ? 0 : 1,
  };
}

function tallyLines(
  told: readonly (readonly [text: string, rows: number])[],
  { rows, spared, stopped }: Tally,
  { spares }: Work,
): string[] {
  return [
    ...(told.length + spared.length === 0 ? ['No matching rows'] : []),
    ...told.slice(0, MOST_LINES).map(([text, of]) => `${count(of, 'row')}: ${plain(text)}`),
    ...(told.length > MOST_LINES ? [`and ${told.length - MOST_LINES} other outcomes: --json shows them all`] : []),
    ...(spared.length === 0
      ? []
      : [
          `skipped, because they are both ${flagsOf(spares).join(' and ')}; handle each one: ${plain(spared.join(' '), 2_000)}`,
        ]),
    ...(stopped === undefined ? [] : [`stopped after ${count(rows, 'row')}: ${plain(stopped)}`]),
  ];
}

async function onTenant(
  [tenant, operator]: Chosen,
  { act, conditions, spares }: Work,
  { progress, signal }: Asker,
  tally: Tally,
): Promise<void> {
  // a row with two conditions is worked on once
  const seen = new Set<string>();
  for (const condition of conditions) {
    for (let after: string | undefined; ; ) {
      const slice = await operator.list(condition, SLICE, after);
      for (const { id, conditions: its } of slice) {
        if (signal.aborted) tally.stopped = 'the caller has gone';
        if (tally.stopped !== undefined) return;
        if (seen.has(id)) continue;
        seen.add(id);
        if (spares.some((each) => each !== condition && its.includes(each))) tally.spared.push(id);
        else await one(operator, id, act, tally);
        if (seen.size % TOLD_EACH === 0) await progress(`${tenant}: ${count(seen.size, 'row')} so far`);
      }
      after = slice.at(-1)?.id;
      if (slice.length < SLICE || after === undefined) break;
    }
  }
}

async function one(operator: Operator, id: string, act: Act, tally: Tally): Promise<void> {
  try {
    const { told, rows } = await act(operator, id);
    tally.rows += rows;
    tally.told.set(told, (tally.told.get(told) ?? 0) + rows);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    // settled or removed since it was listed
    if (error.status === 404 || error.status === 409) return;
    tally.stopped = error.message;
  }
}
