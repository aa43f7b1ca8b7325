#!/usr/bin/env node
/** scim-bridge: commands for operators. */
import { Command } from 'commander';
import type { Exit } from '../admin/verb.ts';
import { adminCommands } from './admin.ts';
import { openStore } from './open-store.ts';
import { storeCommand } from './store.ts';
import { tokenCommand } from './token.ts';

const program = new Command('scim-bridge').description('SCIM 2.0 provisioning bridge for ZITADEL');
const print = (line: string): void => console.log(line);
program.addCommand(tokenCommand(print));
const world = {
  env: process.env,
  cwd: process.cwd(),
  print,
  tell: (line: string): void => console.error(line),
  exit: (code: Exit): void => void (process.exitCode = code),
};
for (const each of adminCommands({ ...world, offline: openStore })) program.addCommand(each);
program.addCommand(storeCommand(world));
strict(program);
await program.parseAsync();

/** What was typed wrong ends with 2, as for the commands themselves; help ends with 0. */
function strict(command: Command): void {
  command.showHelpAfterError().exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  for (const each of command.commands) strict(each);
}
