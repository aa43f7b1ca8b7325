#!/usr/bin/env node
/** scim-bridge: commands for operators. */
import { Command } from 'commander';
import { tokenCommand } from './token.ts';

const program = new Command('scim-bridge').description('SCIM 2.0 provisioning bridge for ZITADEL').showHelpAfterError();
program.addCommand(tokenCommand((line) => console.log(line)));
await program.parseAsync();
