/** `npm start` without settings: a sandbox ZITADEL in this process, kept in DATA_DIR/sandbox.db. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { TenantConfig } from '../config/tenants.ts';
import { ownFolder } from '../store/sqlite/folder.ts';

/** Imported dynamically: the build, the package and the production image do not include it. */
const SANDBOX = new URL('../../sandbox/server.ts', import.meta.url);

/** What the bridge needs from it. */
interface Sandbox {
  readonly url: string;
  readonly seeds: {
    readonly organizations: { readonly a: string };
    readonly tokens: { readonly managerA: string; readonly instanceOwner: string };
  };
  close(): Promise<void>;
}

interface SandboxModule {
  createSandbox(options: {
    readonly file: string;
    readonly organizations: readonly { readonly id: string; readonly name: string }[];
  }): Promise<Sandbox>;
}

export interface Demo {
  readonly config: Config;
  /** undefined: a real ZITADEL is configured */
  readonly sandbox?: Sandbox;
  /** the token to show; undefined: the operator set one */
  readonly token?: string;
}

/** A configuration whose tenants all have a ZITADEL: the sandbox if none is configured, with its own store. */
export async function withSandbox(config: Config): Promise<Demo> {
  if (!config.sandbox) return { config };
  const { dataDir } = config.store;
  ownFolder(dataDir);
  const named = config.tenants.flatMap(({ organization }) =>
    organization === null ? [] : [{ id: organization, name: organization }],
  );
  const { createSandbox } = (await import(SANDBOX.href)) as SandboxModule;
  const sandbox = await createSandbox({ file: join(dataDir, 'sandbox.db'), organizations: named });
  const token = config.tenants.some(isOpenToNobody) ? keptToken(join(dataDir, 'sandbox.token')) : undefined;
  const tenants = config.tenants.map((tenant) => inSandbox(tenant, sandbox, token));
  return {
    config: { ...config, tenants, store: { ...config.store, dataDir: storeFolder(config) } },
    sandbox,
    ...(token === undefined ? {} : { token }),
  };
}

/** Where the embedded store is: sandbox data is kept apart. */
export const storeFolder = ({ sandbox, store: { dataDir } }: Config): string =>
  sandbox ? join(dataDir, 'sandbox') : dataDir;

/** No token is set. */
const isOpenToNobody = ({ tokens, jwt, basic }: TenantConfig): boolean => tokens.length === 0 && !jwt && !basic;

function inSandbox(tenant: TenantConfig, { url, seeds }: Sandbox, token: string | undefined): TenantConfig {
  // the operator's own organization has no service user in the sandbox
  const service = tenant.organization === null ? seeds.tokens.managerA : seeds.tokens.instanceOwner;
  const tokens =
    token !== undefined && isOpenToNobody(tenant)
      ? [{ name: 'sandbox', sha256: createHash('sha256').update(token).digest('hex') }]
      : tenant.tokens;
  return {
    ...tenant,
    organization: tenant.organization ?? seeds.organizations.a,
    zitadel: { url, credential: { kind: 'token', token: service } },
    tokens,
  };
}

/** The same token at every start, so that clients configured with it keep working. */
function keptToken(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
