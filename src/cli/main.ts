#!/usr/bin/env node
/** scim-bridge: the bridge itself, and commands for operators. Started by bin/scim-bridge.mjs. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Exit } from '../admin/verb.ts';
import { adminCommands } from './admin.ts';
import { healthcheckCommand } from './healthcheck.ts';
import { openStore } from './open-store.ts';
import { storeCommand } from './store.ts';
import { tokenCommand } from './token.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};
const program = new Command('scim-bridge').description('SCIM 2.0 provisioning bridge for ZITADEL').version(version);
const print = (line: string): void => console.log(line);
const world = {
  env: process.env,
  cwd: process.cwd(),
  print,
  tell: (line: string): void => console.error(line),
  exit: (code: Exit): void => void (process.exitCode = code),
};
program.addCommand(
  new Command('start')
    .description('run the bridge, with the settings of the environment, .env and bridge.yaml')
    .action(async () => void (await import('../main.ts'))),
);
program.addCommand(tokenCommand(print));
for (const each of adminCommands({ ...world, offline: openStore })) program.addCommand(each);
program.addCommand(storeCommand(world));
program.addCommand(healthcheckCommand(world));
strict(program);
await program.parseAsync();

/** Invalid usage exits with 2, as in the commands themselves; help exits with 0. */
function strict(command: Command): void {
  command.showHelpAfterError().exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  for (const each of command.commands) strict(each);
}
