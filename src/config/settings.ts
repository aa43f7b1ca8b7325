/** THE SETTINGS TABLE: every setting of the environment. .env.example and docs/settings.md are generated from it. */
import { z } from 'zod';
import { redisAddress } from './redis-address.ts';

const DAY = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY };

/** Timers use signed 32-bit milliseconds, about 24.8 days. */
const LONGEST_TIMER = 24;
/** Days; ten years. */
const LONGEST_AGE = 3650;

/** `30s`, `10m`, `1h`, `90d` ... as milliseconds, at most `days`. */
const within = (days: number) =>
  z.string().transform((text, ctx) => {
    const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
    const value = Math.round(Number(count) * (UNITS[unit ?? ''] ?? Number.NaN));
    if (value >= 0 && value <= days * DAY) return value;
    ctx.addIssue({ code: 'custom', message: `must be a duration such as 500ms, 30s, 10m or 1h, at most ${days}d` });
    return z.NEVER;
  });

const AT_LEAST = [(value: number) => value >= 100, 'must be at least 100ms'] as const;

const duration = within(LONGEST_TIMER);
const positive = duration.refine(...AT_LEAST);
/** An age compared with the clock, so not bounded by what a timer can count. */
const age = within(LONGEST_AGE).refine(...AT_LEAST);

const whole = (from: number, to: number) => {
  const message = `must be a whole number from ${from} to ${to}`;
  return z
    .string()
    .regex(/^\s*\d{1,9}\s*$/, message)
    .transform(Number)
    .refine((value) => value >= from && value <= to, message);
};

const flag = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0'], { error: 'must be true or false' }))
  .transform((text) => text === 'true' || text === '1');

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });

/** An http or https address without user, query or fragment and without a trailing slash. */
export const address = z.string().transform((text, ctx) => {
  const url = URL.parse(text.trim());
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash) {
    let { href } = url;
    while (href.endsWith('/')) href = href.slice(0, -1);
    return href;
  }
  ctx.addIssue({ code: 'custom', message: 'must be an address such as https://id.example.com' });
  return z.NEVER;
});

/** ZITADEL is served at the root of its host. */
export const origin = address.refine((text) => new URL(text).pathname === '/', 'must not have a path');

/** Bearer tokens travel in a header: printable ASCII without blanks (RFC 6750 §2.1). */
const token = z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks');

/** Keys separated by commas. The derived keys are only as strong as these. */
const passwordKeys = z.string().transform((text, ctx): readonly string[] => {
  const keys = text.split(',').map((key) => key.trim());
  if (keys.every((key) => key.length >= 32 && /^[\x21-\x7e]*$/.test(key))) return keys;
  ctx.addIssue({
    code: 'custom',
    message:
      'must be one key or several separated by commas, each of at least 32 characters of printable ASCII without blanks',
  });
  return z.NEVER;
});
/** A token that an operator chooses: short ones can be guessed. */
const ownToken = token.min(16, 'must have at least 16 characters; `npx scim-bridge token` makes one');

const PROXY_NAMES = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** What express takes as `trust proxy`: false, a number of hops, or addresses. */
const trustProxy = z.string().transform((text, ctx): boolean | number | readonly string[] => {
  const value = text.trim().toLowerCase();
  if (value === 'false') return false;
  if (value === 'true') return 1;
  if (/^\d{1,2}$/.test(value)) return Number(value);
  const list = value.split(',').map((part) => part.trim());
  if (list.every((part) => PROXY_NAMES.has(part) || /^[0-9a-f]*[.:][0-9a-f.:]*(\/\d{1,3})?$/.test(part))) return list;
  ctx.addIssue({ code: 'custom', message: 'must be false, a number of proxies, or a list of addresses' });
  return z.NEVER;
});

/** How a setting is shown in the generated documents, beside its description. */
interface Shown {
  /** the same setting is read from the file named by NAME_FILE */
  readonly secret?: boolean;
  /** shown as default where the schema has none because another source is read first */
  readonly fallback?: string;
}

const about = (description: string, shown: Shown = {}) => ({ description, ...shown });

export const SETTINGS = z.object({
  HOST: z.string().prefault('127.0.0.1').meta(about('Address to listen on. 0.0.0.0 for every interface.')),
  PORT: whole(0, 65_535).prefault('7644').meta(about('Port to listen on. 0: any free port.')),
  METRICS_PORT: whole(0, 65_535)
    .optional()
    .meta(
      about('Port of /metrics, on the same HOST; PORT then answers 404 for it. 0: any free port.', {
        fallback: 'PORT',
      }),
    ),
  PUBLIC_URL: address
    .refine((text) => !/\/scim(\/v2)?$/i.test(text), 'must be given without /scim/v2')
    .optional()
    .meta(
      about(
        'Address at which clients reach the bridge, without /scim/v2. Used in Location and $ref. Unset: taken from the request.',
      ),
    ),
  DATA_DIR: z
    .string()
    .prefault('./data')
    .meta(about('Folder of the embedded store. Only one process can use it at a time.')),
  REDIS_URL: redisAddress
    .optional()
    .meta(
      about(
        'Redis 7 instead of the embedded store, to run more than one process: redis:// or rediss://, redis+sentinel:// or redis+cluster://. See docs/scale.md.',
        { secret: true },
      ),
    ),
  ROLE: oneOf(['all', 'api', 'worker'])
    .prefault('all')
    .meta(
      about(
        'What this process does: all, api (answers requests and leaves retries to workers) or worker (only delivers). api and worker need REDIS_URL.',
      ),
    ),
  ZITADEL_URL: origin
    .optional()
    .meta(
      about(
        'Address of ZITADEL. Unset, in a clone: a sandbox ZITADEL runs in the process (refused with NODE_ENV=production).',
      ),
    ),
  ZITADEL_ORG_ID: z
    .string()
    .regex(/^[\w.-]{1,200}$/, 'must be the id of an organization')
    .optional()
    .meta(about('Id of the organization that SCIM_TOKEN provisions.')),
  ZITADEL_TOKEN: token
    .optional()
    .meta(about('Personal access token of the service user. One of the three credentials.', { secret: true })),
  ZITADEL_CLIENT_ID: z
    .string()
    .optional()
    .meta(about('Client id of the service user, with ZITADEL_CLIENT_SECRET. One of the three credentials.')),
  ZITADEL_CLIENT_SECRET: z
    .string()
    .optional()
    .meta(about('Client secret of the service user.', { secret: true })),
  ZITADEL_KEY_FILE: z
    .string()
    .optional()
    .meta(about('Path of the JSON key of the service user (private-key JWT). One of the three credentials.')),
  SCIM_TOKEN: ownToken.optional().meta(
    about(
      'Bearer token of the tenant `default`, which needs no bridge.yaml. At least 16 characters; only its SHA-256 is kept.',
      {
        secret: true,
      },
    ),
  ),
  BRIDGE_CONFIG: z
    .string()
    .optional()
    .meta(
      about('Path of bridge.yaml: more tenants and their settings. Read when the file exists.', {
        fallback: 'bridge.yaml',
      }),
    ),
  WHEN_DOWN: oneOf(['accept', 'refuse'])
    .optional()
    .meta(
      about(
        'Writes while ZITADEL is down: accept (store them, answer, and deliver them later) or refuse (503, the client retries).',
        { fallback: 'accept' },
      ),
    ),
  PASSWORDS: oneOf(['ignore', 'set'])
    .optional()
    .meta(
      about('Passwords that clients send: ignore, or set (only a hash is sent to ZITADEL).', {
        fallback: 'ignore',
      }),
    ),
  PASSWORD_KEY: passwordKeys
    .optional()
    .meta(
      about(
        'Encrypts password hashes in Redis; needed with REDIS_URL and PASSWORDS=set, the same for every process. At least 32 random characters (openssl rand -base64 32). Several, separated by commas: the first encrypts, all decrypt.',
        { secret: true },
      ),
    ),
  VIEW_MAX_AGE: duration
    .prefault('30s')
    .meta(about('A user last read from ZITADEL longer ago than this is read again before it is returned.')),
  SYNC_INTERVAL: positive.prefault('10m').meta(about('Time between two syncs with ZITADEL.')),
  ANSWER_WITHIN: positive.prefault('10s').meta(about('A request waits at most this long for ZITADEL.')),
  HOLD_AFTER: age
    .prefault('1h')
    .meta(
      about(
        'If the bridge was stopped for longer than this, pending changes are put on hold until an operator releases or drops them, so that a restored backup does not replay stale changes.',
      ),
    ),
  MAX_PENDING: whole(1, 100_000_000)
    .prefault('100000')
    .meta(
      about('Maximum number of users of one tenant with pending changes; writes to further users are answered 503.'),
    ),
  DEAD_LETTER_RETENTION: age.prefault('90d').meta(about('Dead letters are deleted after this.')),
  EMAIL_VERIFIED: flag
    .prefault('true')
    .meta(about('true: e-mail addresses are stored as verified. false: as unverified; ZITADEL sends no code.')),
  PHONE_VERIFIED: flag
    .prefault('true')
    .meta(about('true: phone numbers are stored as verified. false: as unverified; ZITADEL sends no code.')),
  ADMIN_TOKEN: ownToken
    .optional()
    .meta(
      about(
        'Opens the status page at /; unset: the page answers 404. At least 16 characters; only its SHA-256 is kept.',
        { secret: true },
      ),
    ),
  TLS_CERT: z
    .string()
    .optional()
    .meta(about('Certificate chain: path of a PEM file, or the PEM itself. With TLS_KEY the bridge serves https.')),
  TLS_KEY: z
    .string()
    .optional()
    .meta(about('Private key of TLS_CERT: path of a PEM file, or the PEM itself.', { secret: true })),
  TRUST_PROXY: trustProxy
    .prefault('false')
    .meta(
      about(
        'Proxies whose X-Forwarded headers are trusted: false, the number of proxies in front, or their addresses separated by commas.',
      ),
    ),
  ZITADEL_MAX_IN_FLIGHT: whole(1, 256).prefault('8').meta(about('Maximum number of concurrent calls to one ZITADEL.')),
  RATE_LIMIT: whole(0, 1_000_000)
    .prefault('500')
    .meta(about('Requests per second and tenant; more are answered 429. 0: no limit.')),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .meta(about('Log lines below this level are not written.')),
  NODE_ENV: z.string().optional().meta(about('production: refuse to start without ZITADEL_URL.')),
});

export type Settings = z.output<typeof SETTINGS>;
type SettingName = keyof Settings;

/** Former names. They are refused: silently ignoring one would fall back to the default. */
export const RENAMED_SETTINGS: Readonly<Record<string, SettingName>> = {
  OWED_MAX: 'MAX_PENDING',
  DEAD_KEEP: 'DEAD_LETTER_RETENTION',
};

/** One row of the table as documents show it. */
export interface SettingRow {
  readonly name: SettingName;
  readonly description: string;
  readonly fallback: string | undefined;
  readonly secret: boolean;
}

/** The table in its order, for the documents and for everything that walks the names. */
export function settingRows(): readonly SettingRow[] {
  return Object.entries(SETTINGS.shape).map(([name, schema]) => {
    const shown = schema.meta() as Shown & { readonly description: string };
    return {
      name: name as SettingName,
      description: shown.description,
      fallback: schema instanceof z.ZodPrefault ? schema.def.defaultValue : shown.fallback,
      secret: shown.secret ?? false,
    };
  });
}
