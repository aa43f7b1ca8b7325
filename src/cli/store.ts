/** scim-bridge store copy: migrates the embedded store to Redis, before several processes use it. */
import { Command } from 'commander';
import { type Exit, exitOf } from '../admin/verb.ts';
import { BridgeError } from '../errors.ts';
import { CONDITION_NAMES, flagOf } from '../store/conditions.ts';
import type { AdminOptions } from './admin.ts';
import { Refused } from './ask.ts';

type StoreOptions = Omit<AdminOptions, 'offline'>;

export function storeCommand(options: StoreOptions): Command {
  return new Command('store').description('where the bridge keeps its rows').addCommand(
    new Command('copy')
      .description(
        'copy what ZITADEL does not have (pending changes, dead letters, groups, rules) from the embedded store to Redis; the first sync reads the rest',
      )
      .option('--to <url>', 'address of Redis; default: REDIS_URL')
      .action(async ({ to }: { readonly to?: string }) => options.exit(await run(to, options))),
  );
}

async function run(to: string | undefined, options: StoreOptions): Promise<Exit> {
  try {
    await copy(to, options);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    options.tell(error.message);
    if (error instanceof BridgeError) return exitOf(error.status);
    return error instanceof Refused ? error.exit : 2;
  }
}

async function copy(to: string | undefined, { env, cwd, print, tell }: StoreOptions): Promise<void> {
  // most of the program is loaded only if needed
  const [{ loadConfig }, { storeFolder }, { copyStore }] = await Promise.all([
    import('../config/config.ts'),
    import('../server/sandbox.ts'),
    import('../server/migrate-store.ts'),
  ]);
  const config = loadConfig(env, cwd);
  const url = to ?? config.store.redis?.url;
  if (url === undefined) throw new Refused('give the address of Redis: --to redis://host:6379, or REDIS_URL', 2);
  if (config.store.passwordKeys === undefined && config.tenants.some(({ passwords }) => passwords === 'set'))
    throw new Refused('PASSWORD_KEY: missing; Redis keeps password hashes encrypted with it (docs/security.md)', 2);
  const directory = storeFolder(config);
  const { tenants, durability } = await copyStore({
    directory,
    redis: { url, replicas: config.store.redis?.replicas ?? 0, passwordKeys: config.store.passwordKeys },
    tenants: config.tenants.map(({ id, uniqueDisplayName }) => ({ id, uniqueDisplayName })),
    onProgress: ({ tenant, users, groups }) => tell(`${tenant}: ${users + groups} rows`),
    onWarning: tell,
  }).catch((error: unknown) => {
    throw error instanceof BridgeError ? told(error) : error;
  });
  for (const { tenant, users, groups, already, counts } of tenants) {
    const again = already === 0 ? '' : ` (${already} had been copied before)`;
    print(`${tenant}: ${users} rows of users and ${groups} of groups and rules copied${again}`);
    print(`${tenant}: ${CONDITION_NAMES.map((name) => `${flagOf(name)} ${counts[name]}`).join(', ')}`);
  }
  print(durability);
  print(`${directory} is unchanged. Do not start a bridge on it again: it would send the same changes a second time.`);
}

/** The same refusal, plus what to do. */
function told(error: BridgeError): BridgeError {
  const advice: Readonly<Record<number, string>> = {
    409: 'give the address of an empty Redis that no bridge uses',
    503: 'run the command again: it resumes where it stopped',
  };
  const todo = advice[error.status];
  return todo === undefined ? error : new BridgeError(error.status, `${error.message} (${todo})`, { cause: error });
}
