import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { violations } from '../scripts/imports.ts';

/** What is complained about in a tree with one file. */
function complaints(file: string, source: string): string[] {
  const root = mkdtempSync(join(tmpdir(), 'imports-'));
  try {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), source);
    return violations(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['scim/http/router.ts', `import { rows } from '../store/sqlite/rows.ts';`],
  ['scim/http/router.ts', `import { view } from '../bridge/view.ts';`],
  ['scim/http/router.ts', `import type { Config } from '../config.ts';`],
  ['store/sqlite/rows.ts', `export { call } from '../../zitadel/call.ts';`],
  ['bridge/requests/read-users.ts', `const log = await import('../log.ts');`],
  ['bridge/requests/read-users.ts', `import '../wire.ts';`],
  ['mapping/users.ts', `import { z } from 'zod';`],
  ['bridge/requests/read-users.ts', `import {\n  create,\n} from '@bufbuild/protobuf/wkt';`],
  ['sandbox/main.ts', `import { BridgeError } from '../errors.ts';`],
  ['admin/queue.ts', `import { view } from '../bridge/view.ts';`],
  ['admin/socket.ts', `import type { Config } from '../config.ts';`],
  ['cli/main.ts', `import { createSqliteStore } from '../store/sqlite/store.ts';`],
  ['attic/old.ts', `import { BridgeError } from '../errors.ts';`],
];
for (const [file, source] of FORBIDDEN) {
  test(`${file} may not: ${source.replaceAll('\n', ' ')}`, () => assert.equal(complaints(file, source).length, 1));
}

const ALLOWED: readonly (readonly [string, string])[] = [
  ['scim/http/router.ts', `import type { Users } from '../bridge/use-cases.ts';\nimport { jwtVerify } from 'jose';`],
  ['store/sqlite/rows.ts', `import type { Row } from '../../bridge/ports.ts';\nimport { x } from '../codec.ts';`],
  ['sandbox/services/users.ts', `import { create } from '@bufbuild/protobuf';\nimport { x } from '../errors.ts';`],
  ['admin/queue.ts', `import type { Operator } from '../bridge/operator.ts';`],
  ['rooms.ts', `import { view } from './bridge/view.ts';`],
];
for (const [file, source] of ALLOWED) {
  test(`${file} may: ${source.replaceAll('\n', ' ')}`, () => assert.deepEqual(complaints(file, source), []));
}

test('the rooms of this repository keep the rules', () => {
  assert.deepEqual(violations(join(import.meta.dirname, '../src')), []);
});
