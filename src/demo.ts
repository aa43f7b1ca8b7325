/** `npm start` with nothing set: a ZITADEL to try against, in this process, kept in DATA_DIR/sandbox.db. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { createSandbox, type Sandbox } from './sandbox/server.ts';

export interface Demo {
  readonly config: Config;
  /** undefined: a real ZITADEL is configured */
  readonly sandbox?: Sandbox;
  /** the token to show; undefined: the operator set one */
  readonly token?: string;
}

/** A configuration whose tenants all have a ZITADEL: when none is configured, the sandbox. */
export async function withSandbox(config: Config): Promise<Demo> {
  if (!config.sandbox) return { config };
  mkdirSync(config.store.dataDir, { recursive: true, mode: 0o700 });
  const named = config.tenants.flatMap(({ organization }) =>
    organization === null ? [] : [{ id: organization, name: organization }],
  );
  const sandbox = await createSandbox({ file: join(config.store.dataDir, 'sandbox.db'), organizations: named });
  const { organizations, tokens } = sandbox.seeds;
  const keyless = config.tenants.some((tenant) => tenant.tokens.length === 0 && !tenant.jwt && !tenant.basic);
  const token = keyless ? keptToken(join(config.store.dataDir, 'sandbox.token')) : undefined;
  const tenants = config.tenants.map((tenant) => ({
    ...tenant,
    organization: tenant.organization ?? organizations.a,
    zitadel: {
      url: sandbox.url,
      // an organization of the operator's own has no service user in the sandbox
      credential: {
        kind: 'token' as const,
        token: tenant.organization === null ? tokens.managerA : tokens.instanceOwner,
      },
    },
    tokens:
      tenant.tokens.length > 0 || token === undefined
        ? tenant.tokens
        : [{ name: 'sandbox', sha256: createHash('sha256').update(token).digest('hex') }],
  }));
  return { config: { ...config, tenants }, sandbox, ...(token === undefined ? {} : { token }) };
}

/** The same token at every start, so that what was pasted once goes on working. */
function keptToken(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
