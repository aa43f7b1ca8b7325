/** Files that settings name. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The text of a file, or undefined and a complaint that names the setting. */
export function readText(name: string, folder: string, path: string, complaints: string[]): string | undefined {
  try {
    return readFileSync(resolve(folder, path), 'utf8');
  } catch (error) {
    complaints.push(`${name}: cannot read ${path} (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}
