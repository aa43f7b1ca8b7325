/** bridge.yaml: tenants, and defaults for all of them. Unknown keys are refused. */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { issueLines } from './complaints.ts';
import { groups } from './groups.ts';
import { redisAddress } from './redis-address.ts';
import { address, origin } from './settings.ts';
import { flag, id, text } from './values.ts';

const sha256 = text
  .regex(/^[0-9a-f]{64}$/i, 'must be the 64 hexadecimal digits of a SHA-256')
  .transform((hash) => hash.toLowerCase());

/** Appears in log lines, which accept only single words. */
const tokenName = text.regex(/^[\w.-]{1,64}$/, 'must be letters, digits, ., - and _, at most 64');

/** A date (its first moment, UTC) or a date with time, as milliseconds. */
const expires = text
  .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/, 'must be a date such as 2027-01-01')
  .refine(isDay, 'is not a day of the calendar')
  .transform((date) => Date.parse(date));

/** Date.parse reads 31 February as 3 March. */
function isDay(date: string): boolean {
  const day = date.slice(0, 10);
  const time = Date.parse(date);
  return !Number.isNaN(time) && new Date(Date.parse(day)).toISOString().startsWith(day);
}

const NO_HASH =
  'must be the bcrypt hash (cost 10 to 14) of a password, as `npx scim-bridge token --basic` prints it; a SHA-256 of a password can be guessed';

/** Lower costs are guessed too fast, higher ones would keep clients waiting. */
const passwordHash = z.string({ error: NO_HASH }).regex(/^\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}$/, NO_HASH);

const CLAIM = 'must be a text, a number, true or false';
const jwt = z.strictObject({
  issuer: text,
  audience: text,
  jwksUri: address,
  require: z
    .record(text, z.union([z.string(), z.number(), z.boolean()], { error: CLAIM }), {
      error: 'must be a mapping of claims to values',
    })
    .optional(),
  typ: text.optional(),
});

const basic = z.strictObject({
  user: text.regex(/^[^:]+$/, 'must not have a colon'),
  passwordHash,
  // former settings: distinguished from unknown keys
  sha256: z
    .undefined({
      error: 'a SHA-256 of a password can be guessed: use passwordHash, made by `npx scim-bridge token --basic`',
    })
    .optional(),
});

const zitadel = z.strictObject({
  url: origin.optional(),
  token: text.optional(),
  clientId: text.optional(),
  clientSecret: text.optional(),
  keyFile: text.optional(),
});

/** Keys allowed at the top as defaults and in a tenant as its own. */
const defaults = {
  zitadel: zitadel.optional(),
  passwords: z.enum(['ignore', 'set'], { error: 'must be ignore or set' }).optional(),
  whenDown: z.enum(['accept', 'refuse'], { error: 'must be accept or refuse' }).optional(),
  uniqueExternalId: flag.optional(),
  uniqueDisplayName: flag.optional(),
  protect: z.array(id, { error: 'must be a list of user ids' }).optional(),
  groups: groups.optional(),
};

const tenant = z.strictObject({
  id: text.regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i, 'must be letters, digits, - and _, at most 63'),
  organization: id,
  tokens: z.array(z.strictObject({ name: tokenName, sha256, expires: expires.optional() })).default([]),
  jwt: jwt.optional(),
  basic: basic.optional(),
  mediaType: z
    .enum(['application/scim+json', 'application/json'], { error: 'must be application/scim+json or application/json' })
    .optional(),
  groupPatchAnswer: z.enum(['resource', 'empty'], { error: 'must be resource or empty' }).optional(),
  ...defaults,
});

const REPLICAS = 'must be a whole number from 0 to 9';
const redis = z.strictObject({
  url: redisAddress.optional(),
  replicas: z.int(REPLICAS).min(0, REPLICAS).max(9, REPLICAS).default(0),
});

const BRIDGE_FILE = z.strictObject(
  { ...defaults, redis: redis.optional(), tenants: z.array(tenant).default([]) },
  'must be a mapping of keys',
);

export type BridgeFile = z.output<typeof BRIDGE_FILE>;
export type TenantEntry = z.output<typeof tenant>;
export type ZitadelEntry = z.output<typeof zitadel>;

/** Parses bridge.yaml. `place` starts each complaint; if anything is wrong, it goes to `complaints` instead. */
export function parseBridgeFile(source: string, place: string, complaints: string[]): BridgeFile | undefined {
  const document = parseDocument(source);
  if (document.errors.length) {
    // the rest of the message quotes the source, which may contain a secret
    complaints.push(...document.errors.map((error) => `${place}: ${error.message.split('\n')[0]?.replace(/:$/, '')}`));
    return undefined;
  }
  const parsed = BRIDGE_FILE.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  complaints.push(...issueLines(parsed.error, `${place} `));
  return undefined;
}
