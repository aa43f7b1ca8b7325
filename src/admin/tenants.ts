/** Which tenant an operator's command is about. */
import type { Operator } from '../bridge/ports/operator.ts';
import { BridgeError } from '../errors.ts';
import type { Args } from './arguments.ts';
import type { Desk } from './desk.ts';

export type Chosen = readonly [tenant: string, operator: Operator];

/** Fails with BridgeError 404 when the tenant does not have the row. */
type Look = (operator: Operator, id: string) => Promise<unknown>;

const show: Look = async (operator, id) => operator.show(id);

/** The named tenant, or all. Throws BridgeError 400 if there is none of that name. */
export function chosen({ operators }: Desk, { tenant }: Args): readonly Chosen[] {
  if (tenant === undefined) return [...operators];
  const operator = operators.get(tenant);
  if (operator === undefined)
    throw new BridgeError(400, `there is no tenant ${tenant}; there are ${[...operators.keys()].join(', ')}`);
  return [[tenant, operator]];
}

/** The tenant that has the row. Throws BridgeError 404 if none has it, 400 if several have it and none was named. */
export async function holderOf(desk: Desk, args: Args, id: string, look: Look = show): Promise<Chosen> {
  const [first, ...others] = chosen(desk, args);
  if (first !== undefined && others.length === 0) return first;
  const holders: Chosen[] = [];
  for (const each of chosen(desk, args)) if (await has(look(each[1], id))) holders.push(each);
  const [holder, second] = holders;
  if (holder === undefined) throw new BridgeError(404, `no tenant has a user or group ${id}`);
  if (second === undefined) return holder;
  throw new BridgeError(400, `the id is in ${holders.map(([name]) => name).join(' and ')}: say which with --tenant`);
}

async function has(found: Promise<unknown>): Promise<boolean> {
  try {
    await found;
    return true;
  } catch (error) {
    if (error instanceof BridgeError && error.status === 404) return false;
    throw error;
  }
}
