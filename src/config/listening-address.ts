/** Where a bridge with this environment listens, for a check that must not load the whole configuration. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';

/** The address that reaches a bridge listening on all interfaces. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** `http://127.0.0.1:7644`, from HOST, PORT and TLS_CERT in the environment or else in `.env` in `cwd`. */
export function listeningAddress(env: Readonly<Record<string, string | undefined>>, cwd: string): string {
  const dotenv = parseEnv(textOf(resolve(cwd, '.env')));
  const { HOST, PORT, TLS_CERT } = Object.fromEntries(
    ['HOST', 'PORT', 'TLS_CERT'].map((name) => [name, env[name] || dotenv[name]]),
  );
  const given = HOST || '127.0.0.1';
  const host = LOOPBACK[given] ?? given;
  return `${TLS_CERT ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${(PORT || '7644').trim()}`;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
