import type { Condition } from '../bridge/ports/store.ts';
import { BridgeError } from '../errors.ts';
import { CONDITION_NAMES, flagOf, flagsOf } from '../store/conditions.ts';

export interface Args {
  readonly id?: string;
  readonly all?: boolean;
  readonly kind?: Condition;
  readonly tenant?: string;
  /** rows to show */
  readonly limit?: number;
  readonly acceptRemovals?: boolean;
}

export type ArgumentName = keyof Args;

const MOST_SHOWN = 1_000;

interface ArgumentRow {
  /** as commander takes it; the id alone has no flag */
  readonly flags: string;
  readonly about: string;
  readonly fits: (value: unknown) => boolean;
  /** completes "<name> must be ..." */
  readonly must: string;
}

const conditionOf = (flag: unknown): Condition | undefined => CONDITION_NAMES.find((each) => flagOf(each) === flag);
const isName = (value: unknown): boolean => typeof value === 'string' && /^[\w.-]{1,200}$/.test(value);
/** ZITADEL accepts any text of up to 200 characters as an id. */
const isId = (value: unknown): boolean => typeof value === 'string' && /^\P{Cc}{1,200}$/u.test(value);
const isFlag = (value: unknown): boolean => typeof value === 'boolean';

/** One row per argument. The order is that of help and documents. */
// biome-ignore format: one row is one fact
export const ARGUMENTS: Readonly<Record<ArgumentName, ArgumentRow>> = {
  id: { flags: '[id]', about: 'id of the user or group, as `queue list` shows it', fits: isId, must: 'an id' },
  all: { flags: '--all', about: 'all rows instead of one', fits: isFlag, must: 'true or false' },
  kind: { flags: '--kind <kind>', about: 'only rows in this condition', fits: (value) => conditionOf(value) !== undefined, must: `one of ${flagsOf(CONDITION_NAMES).join(', ')}` },
  tenant: { flags: '--tenant <tenant>', about: 'only this tenant', fits: isName, must: 'the name of a tenant' },
  limit: { flags: '--limit <number>', about: 'maximum number of rows (default 50)', fits: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_SHOWN, must: `a whole number from 1 to ${MOST_SHOWN}` },
  acceptRemovals: { flags: '--accept-removals', about: 'also take away users that are missing in ZITADEL in great number', fits: isFlag, must: 'true or false' },
};

/** Which arguments a command takes. */
export interface Takes {
  readonly takes: readonly ArgumentName[];
  /** which rows it works on (user: no group); undefined: none, or all */
  readonly on?: 'id' | 'user' | 'id or all';
  /** conditions that --kind may name */
  readonly kinds?: readonly Condition[];
  /** --all needs --kind: its effect cannot be undone */
  readonly kindWithAll?: true;
}

/** What an argument of a command does. */
export function aboutOf({ kinds = CONDITION_NAMES, on }: Takes, name: ArgumentName): string {
  if (name === 'id' && on === 'user') return 'id of the user';
  const { about } = ARGUMENTS[name];
  return name === 'kind' ? `${about}: ${flagsOf(kinds).join(', ')}` : about;
}

/** The arguments of a command, checked. Throws BridgeError 400 that says what is wrong. */
export function checkArguments({ takes, on, kinds = CONDITION_NAMES, kindWithAll }: Takes, given: unknown): Args {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw wrong('the arguments must be a JSON object');
  for (const [name, value] of Object.entries(given)) {
    const argument = takes.find((each) => each === name);
    if (argument === undefined) throw wrong(`${name}: no such argument; there are ${takes.join(', ')}`);
    if (!ARGUMENTS[argument].fits(value)) throw wrong(`${name} must be ${ARGUMENTS[argument].must}`);
  }
  const kind = 'kind' in given ? conditionOf(given.kind) : undefined;
  const args: Args = kind === undefined ? given : { ...given, kind };
  if (kind !== undefined && !kinds.includes(kind)) throw wrong(`kind must be one of ${flagsOf(kinds).join(', ')}`);
  if ((on === 'id' || on === 'user') && args.id === undefined) throw wrong('the id of a user is missing');
  if (on === 'id or all') {
    if ((args.id === undefined) !== (args.all === true)) throw wrong('give either the id of a user or --all');
    if (args.kind !== undefined && args.all !== true) throw wrong('--kind goes with --all');
    if (kindWithAll && args.all === true && args.kind === undefined)
      throw wrong(`--all needs --kind: one of ${flagsOf(kinds).join(', ')}`);
  }
  return args;
}

const wrong = (detail: string): BridgeError => new BridgeError(400, detail);
