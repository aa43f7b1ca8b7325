/** A copy of the repository to be spoilt. */
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Mutant } from './table.ts';

export interface Copy {
  readonly root: string;
  /** Switches a fault on; gives what switches it off. Throws when the text to replace is not there exactly once. */
  change(mutant: Mutant): Promise<() => Promise<void>>;
}

const LEFT_OUT: ReadonlySet<string> = new Set(['.git', 'node_modules', 'data']);

/** In a temporary folder; the packages are those of the repository itself. */
export async function copyRepository(): Promise<Copy> {
  const from = resolve(import.meta.dirname, '../..');
  const root = await mkdtemp(join(tmpdir(), 'mutants-'));
  await cp(from, root, { recursive: true, filter: (path) => path === from || !LEFT_OUT.has(basename(path)) });
  await symlink(join(from, 'node_modules'), join(root, 'node_modules'));
  return {
    root,
    async change({ name, file, find, replace }) {
      const path = join(root, file);
      const source = await readFile(path, 'utf8');
      const found = source.split(find).length - 1;
      if (found !== 1) throw new Error(`${name}: ${file} holds this ${found} times, not once:\n${find}`);
      await writeFile(
        path,
        source.replace(find, () => replace),
      );
      return () => writeFile(path, source);
    },
  };
}
