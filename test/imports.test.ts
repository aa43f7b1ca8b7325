import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Row } from '../src/bridge/row/types.ts';
import { emptyRow } from '../src/bridge/row/views.ts';
import { violations } from '../scripts/imports.ts';

/** What is complained about in a tree of these files. */
function complaints(files: Readonly<Record<string, string>>): string[] {
  const top = mkdtempSync(join(tmpdir(), 'imports-'));
  try {
    for (const [file, source] of Object.entries(files)) {
      mkdirSync(dirname(join(top, file)), { recursive: true });
      writeFileSync(join(top, file), source);
    }
    return violations(top);
  } finally {
    rmSync(top, { recursive: true });
  }
}

const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['src/scim/http/router.ts', `import { rows } from '../../store/sqlite/rows.ts';`],
  ['src/scim/http/router.ts', `import { view } from '../../bridge/requests/read-users.ts';`],
  ['src/scim/http/router.ts', `import type { Config } from '../../config/config.ts';`],
  ['src/store/sqlite/rows.ts', `export { call } from '../../zitadel/caller.ts';`],
  ['src/bridge/requests/read-users.ts', `const log = await import('../../server/log.ts');`],
  ['src/bridge/requests/read-users.ts', `import '../../server/compose.ts';`],
  ['src/mapping/users.ts', `import { z } from 'zod';`],
  ['src/mapping/users.ts', `import { Schemas } from 'scimmy';`],
  ['src/scim/http/router.ts', `import Messages from 'scimmy/messages';`],
  ['src/bridge/requests/read-users.ts', `import {\n  create,\n} from '@bufbuild/protobuf/wkt';`],
  ['sandbox/main.ts', `import { BridgeError } from '../src/errors.ts';`],
  ['src/zitadel/caller.ts', `import { seeds } from '../../sandbox/seed.ts';`],
  ['src/server/sandbox.ts', `import { createSandbox } from '../../sandbox/server.ts';`],
  ['src/admin/queue.ts', `import { view } from '../bridge/requests/read-users.ts';`],
  ['src/admin/socket.ts', `import type { Config } from '../config/config.ts';`],
  ['src/cli/main.ts', `import { createSqliteStore } from '../store/sqlite/store.ts';`],
  ['src/attic/old.ts', `import { BridgeError } from '../errors.ts';`],
];
for (const [file, source] of FORBIDDEN) {
  test(`${file} may not: ${source.replaceAll('\n', ' ')}`, () =>
    assert.equal(complaints({ [file]: source }).length, 1));
}

const ALLOWED: readonly (readonly [string, string])[] = [
  ['src/mapping/schema.ts', `import { Schemas } from 'scimmy';`],
  ['src/scim/discovery/discovery.ts', `import { Schemas } from 'scimmy';`],
  [
    'src/scim/http/router.ts',
    `import type { Users } from '../../bridge/requests/use-cases.ts';\nimport { jwtVerify } from 'jose';`,
  ],
  [
    'src/store/sqlite/rows.ts',
    `import type { Row } from '../../bridge/row/types.ts';\nimport { x } from '../conditions.ts';`,
  ],
  ['sandbox/services/users.ts', `import { create } from '@bufbuild/protobuf';\nimport { x } from '../errors.ts';`],
  ['src/admin/queue.ts', `import type { Operator } from '../bridge/ports/operator.ts';`],
  ['src/server/compose.ts', `import { view } from '../bridge/requests/read-users.ts';`],
];
for (const [file, source] of ALLOWED) {
  test(`${file} may: ${source.replaceAll('\n', ' ')}`, () => assert.deepEqual(complaints({ [file]: source }), []));
}

test('a circle of files is refused, also one of types', () => {
  const [circle = '', ...others] = complaints({
    'src/mapping/a.ts': `import type { B } from './b.ts';`,
    'src/mapping/b.ts': `import type { C } from './c.ts';`,
    'src/mapping/c.ts': `import type { A } from './a.ts';`,
    'src/mapping/d.ts': `import type { A } from './a.ts';`,
  });
  assert.match(circle, /^a circle: src\/mapping\/(\w)\.ts -> .* -> src\/mapping\/\1\.ts$/);
  assert.deepEqual(others, []);
});

const SCIMMY: readonly (readonly [string, RegExp])[] = [
  ["import SCIMMY from 'scimmy';", /tenants/],
  ["import { Resources } from 'scimmy';", /tenants/],
  ["import { Config } from 'scimmy';", /tenants/],
  ["import Filters from 'scimmy/types';", /from 'scimmy'/],
  ["import { Types } from 'scimmy';\nexport const filter = new Types.Filter('id pr');", /Object\.prototype/],
  ["import { Types } from 'scimmy';\nexport const { Filter } = Types;", /Object\.prototype/],
  ["import { Messages } from 'scimmy';\nexport const patch = new Messages.PatchOp({});", /scim\/patch/],
  ["import { Schemas } from 'scimmy';\nexport const user = Schemas.User.definition.coerce({});", /scim\/coerce/],
];

test('what of scimmy is not to be used is refused by lint, with the reason', () => {
  const top = mkdtempSync(join(tmpdir(), 'lint-'));
  const root = join(import.meta.dirname, '..');
  try {
    mkdirSync(join(top, 'src'));
    cpSync(join(root, '.oxlintrc.json'), join(top, '.oxlintrc.json'));
    for (const [at, [source]] of SCIMMY.entries()) writeFileSync(join(top, 'src', `${at}.ts`), `${source}\n`);
    const args = ['-c', join(top, '.oxlintrc.json'), '--format', 'json', join(top, 'src')];
    const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), args, { encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly Readonly<Record<string, string>>[] };
    for (const [at, [source, reason]] of SCIMMY.entries()) {
      const said = diagnostics.filter(({ filename }) => filename?.endsWith(`src/${at}.ts`));
      assert.match(JSON.stringify(said), reason, source);
    }
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('only the transitions make a row from another one', () => {
  const spread = 'const next = { ...row, attempts: 0 } as Row;';
  assert.equal(complaints({ 'src/bridge/delivery/deliver.ts': spread }).length, 1);
  assert.deepEqual(complaints({ 'src/bridge/row/transitions.ts': spread }), []);
  const row = emptyRow({ tenant: 't', id: 'u' }, 0);
  // @ts-expect-error a row that was spread is none: `npm run typecheck` fails when it becomes one
  const bare: Row = { ...row, attempts: 1 };
  assert.equal(bare.attempts, 1);
});

test('the rooms of this repository keep the rules', () => {
  assert.deepEqual(violations(join(import.meta.dirname, '..')), []);
});
