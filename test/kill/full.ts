/** The full kill tests, of one process and of many: what they are told on the command line, how large they are, how they end. */
import type { ClientsOptions, Verdict } from './clients.ts';

export interface Asked {
  readonly seed: number;
  readonly rounds: number;
}

/** Reads `[seed] [rounds]`; ends the process when they are something else. @param usual rounds, when nothing is said */
export function askedFor(usage: string, usual: number): Asked {
  const [seed = Math.floor(Math.random() * 1_000_000), rounds = usual] = process.argv.slice(2).map(Number);
  if (Number.isInteger(seed) && Number.isInteger(rounds) && process.argv.length <= 4) return { seed, rounds };
  console.error(usage);
  return process.exit(2);
}

export const FULL = {
  users: 40,
  clients: 10,
  groups: 10,
  groupClients: 5,
  patience: 600_000,
} as const satisfies Omit<ClientsOptions, 'seed'> & { readonly patience: number };

/** Whether nothing answered was lost and nothing else went wrong; and says so when there was nothing of groups to judge. */
export function endedWell({
  memberships,
  holders,
  violations,
  faults,
}: Verdict & { readonly faults: readonly string[] }): boolean {
  const isWorth = memberships > 0 && holders > 0;
  if (!isWorth) console.log('nobody held anything in the end');
  return isWorth && violations.length === 0 && faults.length === 0;
}
