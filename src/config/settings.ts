/** THE SETTINGS TABLE: every setting of the environment. .env.example and docs/settings.md are generated from it. */
import { z } from 'zod';
import { redisAddress } from './redis-address.ts';

const DAY = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY };

/** Timers count in signed 32-bit milliseconds, about 24.8 days. */
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
/** No timer waits for it: an age that is compared with the clock. */
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

/** ZITADEL answers at the root of its host. */
export const origin = address.refine((text) => new URL(text).pathname === '/', 'must not have a path');

/** Bearer tokens travel in a header: printable ASCII without blanks (RFC 6750 §2.1). */
const token = z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks');

/** Keys separated by commas. What is derived from them is only as good as they are. */
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
/** A token that somebody makes up: short ones can be guessed. */
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
  /** shown as default where the schema has none, because another place is asked first */
  readonly fallback?: string;
}

const about = (description: string, shown: Shown = {}) => ({ description, ...shown });

export const SETTINGS = z.object({
  HOST: z.string().prefault('127.0.0.1').meta(about('Address to listen on. 0.0.0.0 for every interface.')),
  PORT: whole(0, 65_535).prefault('7644').meta(about('Port to listen on. 0 takes a free one.')),
  METRICS_PORT: whole(0, 65_535)
    .optional()
    .meta(
      about('Port of /metrics, on the same HOST; on PORT it is 404 then. 0 takes a free one.', { fallback: 'PORT' }),
    ),
  PUBLIC_URL: address
    .refine((text) => !/\/scim(\/v2)?$/i.test(text), 'must be given without /scim/v2')
    .optional()
    .meta(
      about(
        'Address under which clients reach the bridge, without /scim/v2. Used in Location and $ref. Unset: taken from the request.',
      ),
    ),
  DATA_DIR: z.string().prefault('./data').meta(about('Folder of the embedded store. One process at a time.')),
  REDIS_URL: redisAddress
    .optional()
    .meta(
      about(
        'Redis 7 in the stead of the embedded store, for more than one process: redis:// or rediss://, redis+sentinel:// or redis+cluster://. See docs/scale.md.',
        { secret: true },
      ),
    ),
  ROLE: oneOf(['all', 'api', 'worker'])
    .prefault('all')
    .meta(
      about(
        'What this process does: all, api (answers requests; what has to be tried again is left to workers) or worker (delivers only). api and worker need REDIS_URL.',
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
    .meta(about('Organization of the tenant that SCIM_TOKEN opens.')),
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
    about('Bearer token of one tenant by environment. At least 16 characters; only its SHA-256 is kept.', {
      secret: true,
    }),
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
        'Writes while ZITADEL is away: accept (they are kept, answered and delivered later) or refuse (503, the client repeats).',
        { fallback: 'accept' },
      ),
    ),
  PASSWORDS: oneOf(['ignore', 'set'])
    .optional()
    .meta(
      about('What happens to passwords that clients send: ignore, or set (only a hash is sent on).', {
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
    .meta(about('A user read longer ago than this is read again from ZITADEL before it is shown.')),
  SYNC_INTERVAL: positive.prefault('10m').meta(about('Time between two sweeps over the users of ZITADEL.')),
  ANSWER_WITHIN: positive.prefault('10s').meta(about('No request waits longer than this for ZITADEL.')),
  HOLD_AFTER: age
    .prefault('1h')
    .meta(
      about(
        'After a sleep longer than this what is owed is held until an operator releases or drops it, so that a restored backup sends no old orders.',
      ),
    ),
  OWED_MAX: whole(1, 100_000_000)
    .prefault('100000')
    .meta(about('Users of one tenant that may be owed at the same time; further writes are answered 503.')),
  DEAD_KEEP: age.prefault('90d').meta(about('Dead letters are erased after this.')),
  EMAIL_VERIFIED: flag
    .prefault('true')
    .meta(about('E-mail addresses are stored as verified. false: as not verified; ZITADEL mails no code.')),
  PHONE_VERIFIED: flag
    .prefault('true')
    .meta(about('Phone numbers are stored as verified. false: as not verified; ZITADEL sends no code.')),
  ADMIN_TOKEN: ownToken
    .optional()
    .meta(
      about(
        'Opens the status page at /; without it every path of that page is 404. At least 16 characters; only its SHA-256 is kept.',
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
        'Whose X-Forwarded headers are believed: false, the number of proxies in front, or their addresses separated by commas.',
      ),
    ),
  ZITADEL_MAX_IN_FLIGHT: whole(1, 256).prefault('8').meta(about('Calls to one ZITADEL at the same time.')),
  RATE_LIMIT: whole(0, 1_000_000)
    .prefault('500')
    .meta(about('Requests a second of one tenant; more are answered 429. 0: no limit.')),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .prefault('info')
    .meta(about('Lines below this level are not written.')),
  NODE_ENV: z.string().optional().meta(about('production: refuse to start without ZITADEL_URL.')),
});

export type Settings = z.output<typeof SETTINGS>;
type SettingName = keyof Settings;

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
