#!/usr/bin/env node
// Plain JavaScript that any Node reads, so that an old one is told what is needed.
import { existsSync } from 'node:fs';

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  console.error(
    `scim-bridge needs Node ${NEEDED} or newer and this is ${process.version}; a clone has its own after npm ci`,
  );
  process.exit(2);
}
// a clone runs its sources, so that no build can be older than they are; the package has only the build
const sources = new URL('../src/cli/main.ts', import.meta.url);
await import(existsSync(sources) ? sources.href : new URL('../dist/cli/main.js', import.meta.url).href);
