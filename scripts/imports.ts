/**
 * Which room may import which, type imports included. `node scripts/imports.ts [folder]` fails with one line for each import that the
 * tables below do not allow, for each circle of files, and for each file that makes rows past bridge/row/transitions.ts.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * What a room may import beside itself; a name with `: types` by `import type` only. A file that is named
 * is a room of its own: a table that others walk too.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/main': ['src/server', 'src/config', 'src/admin'],
  'src/server': [
    'src/admin',
    'src/bridge',
    'src/config: types',
    'src/mapping',
    'src/queue',
    'src/scim',
    'src/store',
    'src/store/conditions',
    'src/zitadel',
    'src/errors',
  ],
  'src/config': ['src/mapping'],
  'src/scim': ['src/bridge: types', 'src/mapping', 'src/errors'],
  'src/mapping': ['src/errors'],
  'src/bridge': ['src/mapping', 'src/store/conditions', 'src/errors'],
  'src/store': ['src/store/conditions', 'src/bridge: types', 'src/mapping', 'src/errors'],
  'src/store/conditions': ['src/bridge: types'],
  'src/queue': ['src/bridge: types', 'src/mapping', 'src/errors'],
  'src/zitadel': ['src/bridge: types', 'src/mapping', 'src/errors'],
  'src/admin': ['src/bridge: types', 'src/store/conditions', 'src/errors'],
  'src/cli': [
    'src/main',
    'src/admin',
    'src/bridge: types',
    'src/server',
    'src/config',
    'src/store/conditions',
    'src/errors',
  ],
  'src/errors': [],
  sandbox: [],
};

/** Packages whose types and values stay in the rooms, folders and files named. What of scimmy is used there: .oxlintrc.json. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@zitadel/proto': ['src/zitadel', 'sandbox'],
  '@bufbuild/protobuf': ['src/zitadel', 'sandbox'],
  '@connectrpc/connect': ['src/zitadel', 'sandbox'],
  '@connectrpc/connect-node': ['src/zitadel', 'sandbox'],
  'node:sqlite': ['src/store', 'sandbox'],
  ioredis: ['src/store', 'src/queue'],
  bullmq: ['src/queue', 'src/admin'],
  '@bull-board': ['src/admin'],
  commander: ['src/cli'],
  pino: ['src/server'],
  'prom-client': ['src/server'],
  scimmy: ['src/mapping/schema.ts', 'src/scim/discovery', 'src/scim/http/errors.ts', 'src/scim/http/messages.ts'],
  zod: ['src/config'],
};

/** `import ... from 'x'`, `export ... from 'x'`, `import 'x'` and `import('x')`; with `type` when nothing is loaded. */
const IMPORT =
  /^(?:import|export)\s+(?<type>type\s)?(?:[^'"`;]*?\sfrom\s*)?'(?<from>[^']+)'|\bimport\('(?<dynamic>[^']+)'\)/gm;

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** The room of a file, by its path from the top: the file itself when the table names it. */
const roomOf = (file: string): string => {
  const path = file.replace(/\.ts$/, '');
  if (path in ROOMS) return path;
  return path.startsWith('src/') ? path.split('/', 2).join('/') : (path.split('/')[0] ?? '');
};

const importsOf = (text: string): Import[] =>
  [...text.matchAll(IMPORT)].map(({ groups }) => ({
    from: groups?.['from'] ?? groups?.['dynamic'] ?? '',
    typeOnly: Boolean(groups?.['type']),
  }));

function isAllowed(file: string, { from, typeOnly }: Import): boolean {
  const own = roomOf(file);
  if (!from.startsWith('.')) {
    const name = Object.keys(PACKAGES).find((key) => from === key || from.startsWith(`${key}/`));
    const places = name === undefined ? undefined : PACKAGES[name];
    return places?.some((place) => file === place || file.startsWith(`${place}/`)) ?? true;
  }
  const other = roomOf(join(dirname(file), from));
  const rooms = ROOMS[own] ?? [];
  return other === own || rooms.includes(other) || (typeOnly && rooms.includes(`${other}: types`));
}

/** Spreading a row makes none (row/types.ts: Made), so only these may say that something is one: `as Row`. */
const MAKE_ROWS: ReadonlySet<string> = new Set([
  'src/bridge/row/transitions.ts',
  'src/bridge/row/views.ts', // emptyRow
  'src/store/unavailable.ts', // requireRow
]);

/** One line for each import below `top` that is not allowed, for each circle, and for each file that makes rows past transitions.ts. */
export function violations(top: string): string[] {
  const files = globSync(['src/**/*.ts', 'sandbox/**/*.ts'], { cwd: top });
  const texts = new Map(files.map((file) => [file, readFileSync(join(top, file), 'utf8')]));
  const imports = new Map([...texts].map(([file, text]) => [file, importsOf(text)]));
  const makers = [...texts].flatMap(([file, text]) =>
    file.startsWith('src/') && !MAKE_ROWS.has(file) && /\bas Row\b/.test(text)
      ? [`${file}: as Row: only src/bridge/row/transitions.ts makes a row from another one`]
      : [],
  );
  const forbidden = [...imports].flatMap(([file, all]) =>
    all
      .filter((each) => !isAllowed(file, each))
      .map(
        ({ from }) =>
          `${file}: ${from}: ${roomOf(file)} may import ${ROOMS[roomOf(file)]?.join(', ') || 'nothing of ours'}`,
      ),
  );
  const graph = new Map(
    [...imports].map(([file, all]) => [
      file,
      all.flatMap(({ from }) => (from.startsWith('.') ? [relative(top, resolve(top, dirname(file), from))] : [])),
    ]),
  );
  return [...forbidden, ...makers, ...circles(graph)];
}

/** One line for each circle that a walk from every file meets. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const found: string[] = [];
  function walk(file: string): void {
    const at = path.indexOf(file);
    if (at >= 0) found.push(`a circle: ${[...path.slice(at), file].join(' -> ')}`);
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) walk(next);
    path.pop();
    done.add(file);
  }
  for (const file of graph.keys()) walk(file);
  return found;
}

if (import.meta.main) {
  const found = violations(resolve(process.argv[2] ?? '.'));
  for (const line of found) console.error(line);
  process.exitCode = found.length ? 1 : 0;
}
