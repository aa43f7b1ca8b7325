import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';

interface Entry {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (file: string): string => readFileSync(resolve(import.meta.dirname, '..', file), 'utf8');
const { packages } = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, Entry>> };
const entries = Object.entries(packages).filter(([path]) => path !== '');

describe('package-lock.json', () => {
  test('every entry has the SHA-512 of its archive, also those of other platforms', () => {
    const without = entries.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''));
    assert.deepEqual(
      without.map(([path]) => path),
      [],
    );
  });

  test('no entry comes from elsewhere than the public registry', () => {
    const odd = entries.filter(
      ([, { resolved, link }]) =>
        link === true || (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/')),
    );
    assert.deepEqual(odd, []);
  });

  test('the builds for every platform are there: npm leaves out entries of packages it did not find', () => {
    const absent = entries.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !Object.hasOwn(packages, `node_modules/${name}`))
        .map((name) => `${path}: ${name}`),
    );
    assert.deepEqual(absent, []);
  });

  test('an installation for production has neither a compiler nor a linter, and runs no install script', () => {
    const production = entries
      .filter(([, { dev }]) => dev !== true)
      .map(([path]) => path.slice('node_modules/'.length));
    assert.ok(production.includes('express'));
    assert.deepEqual(
      production.filter((name) => /^@?typescript|^node$|^node-gyp$|esbuild|oxlint|biome|knip|^@types\//.test(name)),
      [],
    );
    const { allowScripts } = JSON.parse(read('package.json')) as { allowScripts: Record<string, boolean> };
    const scripted = entries
      .filter(([, entry]) => 'hasInstallScript' in entry)
      .map(([path]) => path.slice('node_modules/'.length));
    assert.deepEqual(
      scripted.filter((name) => allowScripts[name] !== false),
      ['node'],
    );
  });
});
