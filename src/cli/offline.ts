/** The same commands when no bridge runs: this process opens the store. */
import type { Operator } from '../bridge/ports/operator.ts';
import { checkArguments } from '../admin/arguments.ts';
import type { TenantSetup } from '../admin/desk.ts';
import { type Answer, exitOf, type Verb } from '../admin/verb.ts';
import { BridgeError } from '../errors.ts';
import { Refused } from './ask.ts';

/** The parts of a bridge that a command needs. */
export interface Offline {
  readonly operators: ReadonlyMap<string, Operator>;
  readonly setups: readonly TenantSetup[];
  stop(): Promise<void>;
}

/** Runs a command on the store itself. Throws Refused. */
export async function runOffline(
  offline: Offline,
  verb: Verb,
  given: object,
  asker: Parameters<Verb['run']>[2],
): Promise<Answer> {
  const { operators, setups } = offline;
  try {
    return await verb.run({ operators, setups, clock: Date.now, offline: true }, checkArguments(verb, given), asker);
  } catch (error) {
    if (error instanceof BridgeError) throw new Refused(error.message, exitOf(error.status));
    throw error;
  } finally {
    await offline.stop();
  }
}
