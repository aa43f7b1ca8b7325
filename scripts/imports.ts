/**
 * Which room may import which. `node scripts/imports.ts [folder of rooms]` fails with one line for each import that
 * the tables below do not allow. oxlint finds cycles; it can not tell rooms apart once a path leaves a sub-folder.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** What a room may import beside itself; a name with `: types` by `import type` only. A file beside the rooms is a room of its own. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  scim: ['bridge: types', 'mapping', 'slices', 'errors'],
  mapping: ['slices', 'errors'],
  bridge: ['mapping', 'slices', 'errors'],
  store: ['bridge: types', 'mapping', 'slices', 'errors'],
  queue: ['bridge: types', 'mapping', 'errors'],
  zitadel: ['bridge: types', 'mapping', 'errors'],
  sandbox: [],
  admin: ['bridge: types', 'errors'],
  cli: ['admin', 'bridge: types', 'wire', 'store-copy', 'demo', 'config', 'errors', 'log'],
  config: ['mapping'],
  errors: [],
  slices: [],
  log: [],
  metrics: [],
  health: [],
  server: [],
  reports: ['bridge: types', 'scim: types', 'store: types', 'log: types', 'metrics: types'],
  app: ['scim'],
  rooms: ['bridge', 'store', 'queue', 'zitadel', 'config: types', 'log: types', 'metrics: types', 'reports'],
  wire: [
    'rooms',
    'admin',
    'app',
    'scim',
    'bridge: types',
    'store',
    'config: types',
    'log',
    'metrics',
    'health',
    'reports',
  ],
  'store-copy': ['bridge', 'store', 'rooms', 'errors'],
  demo: ['config: types', 'sandbox', 'store'],
  main: ['wire', 'server', 'demo', 'config', 'log', 'admin'],
};

/** Packages whose types and values stay in the rooms named. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@zitadel/proto': ['zitadel', 'sandbox'],
  '@bufbuild/protobuf': ['zitadel', 'sandbox'],
  '@connectrpc/connect': ['zitadel', 'sandbox'],
  '@connectrpc/connect-node': ['zitadel', 'sandbox'],
  'node:sqlite': ['store', 'sandbox'],
  ioredis: ['store', 'queue'],
  bullmq: ['queue', 'admin'],
  '@bull-board': ['admin'],
  commander: ['cli'],
  pino: ['log'],
  'prom-client': ['metrics'],
  zod: ['config'],
};

/** `import ... from 'x'`, `export ... from 'x'`, `import 'x'` and `import('x')`; with `type` when nothing is loaded. */
const IMPORT =
  /^(?:import|export)\s+(?<type>type\s)?(?:[^'"`;]*?\sfrom\s*)?'(?<from>[^']+)'|\bimport\('(?<dynamic>[^']+)'\)/gm;

const roomOf = (root: string, file: string): string => relative(root, file).split('/')[0]?.replace(/\.ts$/, '') ?? '';

function allowed(root: string, file: string, from: string, typeOnly: boolean): boolean {
  const own = roomOf(root, file);
  if (!from.startsWith('.')) {
    const name = Object.keys(PACKAGES).find((key) => from === key || from.startsWith(`${key}/`));
    return !name || (PACKAGES[name]?.includes(own) ?? false);
  }
  const other = roomOf(root, resolve(dirname(file), from));
  const rooms = ROOMS[own] ?? [];
  return other === own || rooms.includes(other) || (typeOnly && rooms.includes(`${other}: types`));
}

/** One line for each import under `root` that is not allowed. */
export function violations(root: string): string[] {
  return globSync('**/*.ts', { cwd: root }).flatMap((name) => {
    const file = join(root, name);
    return [...readFileSync(file, 'utf8').matchAll(IMPORT)].flatMap(({ groups }) => {
      const from = groups?.['from'] ?? groups?.['dynamic'] ?? '';
      const own = roomOf(root, file);
      const rooms = ROOMS[own]?.join(', ') || 'nothing of ours';
      return allowed(root, file, from, Boolean(groups?.['type']))
        ? []
        : [`${name}: ${from}: ${own} may import ${rooms}`];
    });
  });
}

if (import.meta.main) {
  const found = violations(resolve(process.argv[2] ?? 'src'));
  for (const line of found) console.error(line);
  process.exitCode = found.length ? 1 : 0;
}
