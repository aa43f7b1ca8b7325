/** Every error of the configuration, reported together. Values never appear: they may be secrets. */
import type { z } from 'zod';

/** The configuration cannot be used. The message has one line for each error and names the setting. */
export class ConfigError extends Error {
  readonly complaints: readonly string[];

  constructor(complaints: readonly string[]) {
    super(
      [
        `${complaints.length} configuration error${complaints.length === 1 ? '' : 's'}:`,
        ...complaints.map((line) => `  - ${line}`),
      ].join('\n'),
    );
    this.name = 'ConfigError';
    this.complaints = complaints;
  }
}

/** `tenants[0].tokens[1].sha256` */
const pathText = (path: readonly PropertyKey[]): string =>
  path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at ? '.' : ''}${String(part)}`)).join('');

/** One line for each issue that zod found, starting with `place` (`bridge.yaml `). */
export function issueLines(error: z.ZodError, place = ''): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${place}${pathText([...issue.path, key])}: unknown key`);
    }
    const path = pathText(issue.path);
    return [path || place ? `${place}${path}: ${issue.message}` : issue.message];
  });
}
