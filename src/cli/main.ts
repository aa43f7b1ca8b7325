#!/usr/bin/env node
/** scim-bridge: commands for operators. */
import { Command } from 'commander';
import { adminCommands } from './admin.ts';
import { openStore } from './open-store.ts';
import { tokenCommand } from './token.ts';

const program = new Command('scim-bridge').description('SCIM 2.0 provisioning bridge for ZITADEL');
const print = (line: string): void => console.log(line);
program.addCommand(tokenCommand(print));
const admin = adminCommands({
  env: process.env,
  cwd: process.cwd(),
  print,
  tell: (line) => console.error(line),
  exit: (code) => (process.exitCode = code),
  offline: openStore,
});
for (const each of admin) program.addCommand(each);
strict(program);
await program.parseAsync();

/** What was typed wrong ends with 2, as for the commands themselves; help ends with 0. */
function strict(command: Command): void {
  command.showHelpAfterError().exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  for (const each of command.commands) strict(each);
}
