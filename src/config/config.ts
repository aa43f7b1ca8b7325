/** The configuration: environment, .env and bridge.yaml, read once. The only reader of the environment. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { parseEnv } from 'node:util';
import { type BridgeFile, parseBridgeFile } from './bridge-file.ts';
import { ConfigError, issueLines } from './complaints.ts';
import { readText } from './files.ts';
import { sha256 } from './sha256.ts';
import { RENAMED_SETTINGS, SETTINGS, type Settings, settingRows } from './settings.ts';
import { readTenants, type TenantConfig } from './tenants.ts';

/** All settings, frozen. Times in milliseconds. Modules get the slice they need, never the whole. */
export interface Config {
  /** no ZITADEL is set: a sandbox runs in the process */
  readonly sandbox: boolean;
  readonly server: {
    readonly host: string;
    readonly port: number;
    /** /metrics is served on this port instead of `port` */
    readonly metricsPort?: number;
    /** without a trailing slash */
    readonly publicUrl: string | undefined;
    /** PEM texts */
    readonly tls: { readonly cert: string; readonly key: string } | undefined;
    /** in express's format */
    readonly trustProxy: boolean | number | readonly string[];
  };
  readonly store: {
    /** absolute */
    readonly dataDir: string;
    /** undefined: the embedded store in dataDir. `replicas`: that many must have a write before it is acknowledged */
    readonly redis: { readonly url: string; readonly replicas: number } | undefined;
    /** secrets that encrypt password hashes in Redis, the one to write with first */
    readonly passwordKeys?: readonly string[];
  };
  /** what this process does: serve requests (api), deliver pending changes (worker), or both */
  readonly role: Settings['ROLE'];
  readonly zitadel: {
    readonly maxInFlight: number;
    readonly emailVerified: boolean;
    readonly phoneVerified: boolean;
  };
  readonly limits: {
    readonly viewMaxAge: number;
    readonly syncInterval: number;
    readonly answerWithin: number;
    /** requests a second of one tenant; 0: no limit */
    readonly rateLimit: number;
    /** a longer downtime puts pending changes on hold */
    readonly holdAfter: number;
    /** users of one tenant */
    readonly maxPending: number;
    /** dead letters are erased after this */
    readonly deadLetterRetention: number;
  };
  readonly admin: {
    /** SHA-256 of the token that opens the status page, 64 lower-case hexadecimal digits; undefined: there is no page */
    readonly tokenHash: string | undefined;
  };
  readonly log: { readonly level: Settings['LOG_LEVEL'] };
  readonly tenants: readonly TenantConfig[];
}

/** Of the sandbox ZITADEL, which only a clone of the repository has. */
const SANDBOX_FOLDER = new URL('../../sandbox/', import.meta.url);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the whole configuration. The environment wins over `.env` in `cwd`; an empty value counts as unset.
 * Throws ConfigError with every complaint at once.
 */
export function loadConfig(env: Environment, cwd: string): Config {
  const complaints: string[] = [];
  const given = gather(env, cwd, complaints);
  const { settings, faulty } = parseSettings(given, complaints);
  const tls = readTls(settings, cwd, complaints);

  const place = settings.BRIDGE_CONFIG ?? 'bridge.yaml';
  const path = resolve(cwd, place);
  const wanted = settings.BRIDGE_CONFIG !== undefined || existsSync(path);
  const source = wanted ? readText('BRIDGE_CONFIG', cwd, place, complaints) : '';
  const file = source === undefined ? undefined : parseBridgeFile(source, place, complaints);

  const sandbox = !settings.ZITADEL_URL && !file?.zitadel?.url && !file?.tenants.some((entry) => entry.zitadel?.url);
  let tenants: readonly TenantConfig[] = [];
  // with a part missing, complaints about tenants would mislead
  if (file && !faulty.some((name) => /^(ZITADEL_|SCIM_)/.test(name))) {
    tenants = readTenants({ settings, file, place, sandbox, cwd, folder: dirname(path) }, complaints);
    if (sandbox && settings.NODE_ENV === 'production') {
      complaints.push('ZITADEL_URL: missing; with NODE_ENV=production no sandbox is started');
    } else if (sandbox && !existsSync(SANDBOX_FOLDER)) {
      complaints.push('ZITADEL_URL: missing; only a clone of the repository has a sandbox to run without it');
    }
  }
  const redis = file && readRedis(settings, file, place, faulty, complaints);
  const setting = redis === undefined ? undefined : tenants.find(({ passwords }) => passwords === 'set');
  if (setting !== undefined && settings.PASSWORD_KEY === undefined && !faulty.includes('PASSWORD_KEY')) {
    complaints.push(
      `PASSWORD_KEY: missing; tenant ${setting.id} sets passwords, and their hashes are encrypted in Redis. Make one by: openssl rand -base64 32`,
    );
  }
  if (file && sandbox && settings.ROLE !== 'all' && !faulty.includes('ZITADEL_URL')) {
    complaints.push(`ZITADEL_URL: missing; with ROLE=${settings.ROLE} every process would start a sandbox of its own`);
  }
  if (settings.METRICS_PORT !== undefined && settings.METRICS_PORT === settings.PORT && settings.PORT !== 0) {
    complaints.push('METRICS_PORT: must not be PORT');
  }
  if (complaints.length) throw new ConfigError(complaints);

  return freeze({
    sandbox,
    server: {
      host: settings.HOST,
      port: settings.PORT,
      ...(settings.METRICS_PORT === undefined ? {} : { metricsPort: settings.METRICS_PORT }),
      publicUrl: settings.PUBLIC_URL,
      tls,
      trustProxy: settings.TRUST_PROXY,
    },
    store: {
      dataDir: resolve(cwd, settings.DATA_DIR),
      redis,
      ...(settings.PASSWORD_KEY === undefined ? {} : { passwordKeys: settings.PASSWORD_KEY }),
    },
    role: settings.ROLE,
    zitadel: {
      maxInFlight: settings.ZITADEL_MAX_IN_FLIGHT,
      emailVerified: settings.EMAIL_VERIFIED,
      phoneVerified: settings.PHONE_VERIFIED,
    },
    limits: {
      viewMaxAge: settings.VIEW_MAX_AGE,
      syncInterval: settings.SYNC_INTERVAL,
      answerWithin: settings.ANSWER_WITHIN,
      rateLimit: settings.RATE_LIMIT,
      holdAfter: settings.HOLD_AFTER,
      maxPending: settings.MAX_PENDING,
      deadLetterRetention: settings.DEAD_LETTER_RETENTION,
    },
    admin: { tokenHash: settings.ADMIN_TOKEN === undefined ? undefined : sha256(settings.ADMIN_TOKEN) },
    log: { level: settings.LOG_LEVEL },
    tenants,
  });
}

/** The settings as values. Invalid ones are reported and left out, so that the rest can be checked. */
function parseSettings(given: Record<string, string>, complaints: string[]) {
  const parsed = SETTINGS.safeParse(given);
  if (parsed.success) return { settings: parsed.data, faulty: [] };
  complaints.push(...issueLines(parsed.error));
  const faulty = parsed.error.issues.map((issue) => String(issue.path[0]));
  const rest = Object.entries(given).filter(([name]) => !faulty.includes(name));
  return { settings: SETTINGS.parse(Object.fromEntries(rest)), faulty };
}

/** The settings as text: environment before .env, NAME before the file named by NAME_FILE. */
function gather(env: Environment, cwd: string, complaints: string[]): Record<string, string> {
  const dotenv = existsSync(resolve(cwd, '.env')) ? readText('.env', cwd, '.env', complaints) : '';
  const fromFile: Environment = parseEnv(dotenv ?? '');
  const found: Record<string, string> = {};
  for (const [old, name] of Object.entries(RENAMED_SETTINGS))
    if (env[old] || fromFile[old]) complaints.push(`${old}: this setting is now called ${name}`);
  for (const { name, secret } of settingRows()) {
    for (const source of [env, fromFile]) {
      if (found[name]) break;
      const twin = secret ? source[`${name}_FILE`] : undefined;
      if (source[name] && twin) complaints.push(`${name}, ${name}_FILE: only one of them can be set`);
      const value = source[name] || (twin && readText(`${name}_FILE`, cwd, twin, complaints)?.trim());
      if (twin && value === '') complaints.push(`${name}_FILE: ${twin} is empty`);
      if (value) found[name] = value;
    }
  }
  return found;
}

/** Redis from the environment takes precedence over bridge.yaml. */
function readRedis(
  { REDIS_URL, ROLE }: Settings,
  { redis }: BridgeFile,
  place: string,
  faulty: readonly string[],
  complaints: string[],
): Config['store']['redis'] {
  const url = REDIS_URL ?? redis?.url;
  if (url !== undefined) return { url, replicas: redis?.replicas ?? 0 };
  if (faulty.includes('REDIS_URL')) return undefined;
  if (redis !== undefined) complaints.push(`${place} redis.url: missing, and there is no REDIS_URL`);
  else if (ROLE !== 'all') complaints.push(`REDIS_URL: missing, ROLE=${ROLE} needs it`);
  return undefined;
}

function readTls({ TLS_CERT, TLS_KEY }: Settings, cwd: string, complaints: string[]): Config['server']['tls'] {
  if (!TLS_CERT && !TLS_KEY) return undefined;
  if (!TLS_CERT || !TLS_KEY) {
    complaints.push(`${TLS_CERT ? 'TLS_KEY' : 'TLS_CERT'}: missing, https needs a certificate and its key`);
    return undefined;
  }
  const pem = (name: string, value: string) =>
    value.startsWith('-----BEGIN') ? value : readText(name, cwd, value, complaints);
  const cert = pem('TLS_CERT', TLS_CERT);
  const key = pem('TLS_KEY', TLS_KEY);
  if (cert === undefined || key === undefined) return undefined;
  try {
    createSecureContext({ cert, key });
    return { cert, key };
  } catch {
    complaints.push('TLS_CERT, TLS_KEY: not a certificate and its private key in PEM');
    return undefined;
  }
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
