/** scim-bridge queue, groups, doctor and sync: commander's commands made from THE VERBS TABLE. */
import { Command, InvalidArgumentError } from 'commander';
import { aboutOf, ARGUMENTS, type Args, checkArguments } from '../admin/arguments.ts';
import { closedStore, refusedConfiguration } from '../admin/doctor.ts';
import { socketPath } from '../admin/socket-path.ts';
import type { Answer, Exit, Verb } from '../admin/verb.ts';
import { VERBS } from '../admin/verbs.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/complaints.ts';
import { BridgeError } from '../errors.ts';
import { ask, Refused } from './ask.ts';
import { type Offline, runOffline } from './offline.ts';

export interface AdminOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** the answer */
  readonly print: (line: string) => void;
  /** everything else: progress and errors */
  readonly tell: (line: string) => void;
  readonly exit: (code: Exit) => void;
  /** Opens the store when no bridge runs. */
  readonly offline: (config: Config) => Promise<Offline>;
}

/** Descriptions of commands that share a first word. */
const GROUPS: Readonly<Record<string, string>> = {
  queue: 'changes that are not settled',
  groups: 'groups that give rights',
};

/** One command per verb; `queue list` is the command `list` of the command `queue`. */
export function adminCommands(options: AdminOptions): Command[] {
  const groups = new Map<string, Command>();
  return VERBS.flatMap((verb) => {
    const [first = '', second] = verb.name.split(' ');
    if (second === undefined) return [commandOf(verb, first, options)];
    const existing = groups.get(first);
    const group = existing ?? new Command(first).description(GROUPS[first] ?? '');
    groups.set(first, group.addCommand(commandOf(verb, second, options)));
    return existing === undefined ? [group] : [];
  });
}

function commandOf(verb: Verb, name: string, options: AdminOptions): Command {
  const command = new Command(name).description(verb.about).option('--json', 'the answer as JSON');
  for (const each of verb.takes) {
    const { flags } = ARGUMENTS[each];
    const about = aboutOf(verb, each);
    if (each === 'id') command.argument(POSITIONS[verb.on ?? 'id or all'], about);
    else if (each === 'limit') command.option(flags, about, wholeNumber);
    else command.option(flags, about);
  }
  return command.action(async () => {
    const { json, ...given } = command.opts<Args & { readonly json?: boolean }>();
    const [id] = command.args;
    options.exit(await run(verb, id === undefined ? given : { ...given, id }, json === true, options));
  });
}

/** A command's id argument as commander takes it. */
const POSITIONS = { id: '<id>', user: '<user>', 'id or all': ARGUMENTS.id.flags } as const;

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number.');
  return Number(text);
}

/** Runs a command and prints its answer. */
async function run(verb: Verb, given: Args, json: boolean, options: AdminOptions): Promise<Exit> {
  try {
    const { lines, value, exit } = await answerTo(verb, given, options);
    if (json) options.print(JSON.stringify(value, null, 2));
    else for (const line of lines) options.print(line);
    return exit;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    options.tell(error.message);
    return error instanceof Refused ? error.exit : 2;
  }
}

/** Throws Refused, ConfigError, BridgeError for wrong arguments, and Error when the store cannot be opened. */
async function answerTo(verb: Verb, given: Args, options: AdminOptions): Promise<Answer> {
  const { env, cwd, tell } = options;
  checkArguments(verb, given); // before anything is opened
  const isDoctor = verb.name === 'doctor';
  // most of the program is loaded only if needed
  const { loadConfig } = await import('../config/config.ts');
  let config: Config;
  try {
    config = loadConfig(env, cwd);
  } catch (error) {
    if (isDoctor && error instanceof ConfigError) return refusedConfiguration(error.complaints);
    throw error;
  }
  const asked = await ask({ socket: socketPath(config.store.dataDir), verb: verb.name, args: given, progress: tell });
  if (asked !== undefined) return asked;
  tell(`no bridge runs on ${config.store.dataDir}: the store is opened by this command`);
  let offline: Offline;
  try {
    offline = await options.offline(config);
  } catch (error) {
    if (isDoctor && error instanceof Error && !(error instanceof BridgeError)) return closedStore(error.message);
    throw error;
  }
  return runOffline(offline, verb, given, { progress: tell, signal: new AbortController().signal });
}
