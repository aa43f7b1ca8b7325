/** queue list and queue show. */
import type { QueueDetail, QueueEntry } from '../bridge/ports/operator.ts';
import { CONDITION_NAMES, flagsOf } from '../store/conditions.ts';
import type { Args } from './arguments.ts';
import type { Desk } from './desk.ts';
import { type Listed, listLines, showLines, since } from './queue-text.ts';
import { chosen, holderOf } from './tenants.ts';
import type { Answer } from './verb.ts';

const SHOWN = 50;

/** Rows with a condition, the oldest first. */
export async function list(desk: Desk, args: Args): Promise<Answer> {
  const { kind, limit = SHOWN } = args;
  const found = new Map<string, QueueEntry>();
  const counts: Listed['counts'][number][] = [];
  for (const [tenant, operator] of chosen(desk, args)) {
    counts.push([tenant, (await operator.state()).counts]);
    for (const condition of kind === undefined ? CONDITION_NAMES : [kind])
      for (const entry of await operator.list(condition, limit)) found.set(`${tenant} ${entry.id}`, entry);
  }
  const entries = [...found.values()].toSorted((a, b) => since(a) - since(b)).slice(0, limit);
  // group rows are stored under a tenant name of their own
  const several = desk.operators.size > 1 || entries.some(({ tenant }) => !desk.operators.has(tenant));
  return { lines: listLines({ entries, counts, kind, several }, desk.clock()), value: entries.map(asJson), exit: 0 };
}

/** One row compared with ZITADEL. */
export async function show(desk: Desk, args: Args): Promise<Answer> {
  const id = args.id ?? '';
  const [, operator] = await holderOf(desk, args, id);
  const detail = withoutPassword(await operator.show(id));
  return { lines: showLines(detail, desk.clock()), value: asJson(detail), exit: 0 };
}

/** Conditions as --kind takes them. */
const asJson = (entry: QueueEntry): object => ({ ...entry, conditions: flagsOf(entry.conditions) });

/** A password is never shown, whatever the port returns. */
function withoutPassword(detail: QueueDetail): QueueDetail {
  return { ...detail, differences: detail.differences.filter(({ fact }) => fact !== 'password') };
}
