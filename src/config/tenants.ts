import type { Rule } from '../mapping/rules/types.ts';
import type { BridgeFile, TenantEntry, ZitadelEntry } from './bridge-file.ts';
import { type Credential, readCredential } from './credential.ts';
import { sha256 } from './sha256.ts';
import type { Settings } from './settings.ts';

/** A bearer token as stored. `expires` in milliseconds; the token is refused from then on. */
export interface TokenEntry {
  readonly name: string;
  /** 64 lower-case hexadecimal digits */
  readonly sha256: string;
  readonly expires?: number | undefined;
}

/** Where a tenant's users live and how the bridge signs in there. */
export interface ZitadelTarget {
  /** without a path and without a trailing slash */
  readonly url: string;
  readonly credential: Credential;
}

export interface TenantConfig {
  readonly id: string;
  /** null: the sandbox's own organization */
  readonly organization: string | null;
  /** null: the sandbox */
  readonly zitadel: ZitadelTarget | null;
  readonly tokens: readonly TokenEntry[];
  readonly jwt?: TenantEntry['jwt'];
  /** `passwordHash`: bcrypt */
  readonly basic?: { readonly user: string; readonly passwordHash: string } | undefined;
  readonly mediaType?: 'application/scim+json' | 'application/json' | undefined;
  readonly passwords: 'ignore' | 'set';
  /** writes while ZITADEL is down: stored, acknowledged and delivered later, or answered 503 */
  readonly whenDown: 'accept' | 'refuse';
  readonly uniqueExternalId: boolean;
  readonly uniqueDisplayName: boolean;
  /** what a PATCH of a group answers: 200 with the group, or 204; undefined: resource */
  readonly groupPatchAnswer?: 'resource' | 'empty' | undefined;
  readonly groups: {
    /** unknown members are refused, not kept until they appear */
    readonly strictMembers: boolean;
    /** changed rules take effect at start, not by `groups apply` */
    readonly applyOnStart: boolean;
    readonly rules: readonly Rule[];
  };
  /** ids of users that are never changed in a way that locks them out */
  readonly protect: readonly string[];
}

export interface TenantSources {
  readonly settings: Settings;
  readonly file: BridgeFile;
  /** name of bridge.yaml in complaints */
  readonly place: string;
  /** no ZITADEL is configured anywhere */
  readonly sandbox: boolean;
  readonly cwd: string;
  /** base of relative paths in bridge.yaml */
  readonly folder: string;
}

const ENVIRONMENT_TENANT = 'default';

/** All tenants, the environment's first. Errors go to `complaints`. */
export function readTenants(sources: TenantSources, complaints: string[]): readonly TenantConfig[] {
  const { settings, file, place, sandbox } = sources;
  const shared = sharedTarget(sources, complaints);

  const tenants = file.tenants.map((entry, at): TenantConfig => {
    const name = `${place} tenants[${at}]`;
    if (!entry.tokens.length && !entry.jwt && !entry.basic) {
      complaints.push(`${name}: needs tokens, jwt or basic, nobody could sign in`);
    }
    return {
      ...withDefaults(entry, sources),
      id: entry.id,
      organization: entry.organization,
      zitadel: sandbox ? null : tenantTarget(entry, name, shared, sources, complaints),
      tokens: entry.tokens,
      jwt: entry.jwt,
      basic: entry.basic,
      mediaType: entry.mediaType,
      groupPatchAnswer: entry.groupPatchAnswer,
    };
  });

  const own = settings.SCIM_TOKEN !== undefined || (sandbox && !tenants.length);
  if (own) {
    if (!sandbox && !settings.ZITADEL_ORG_ID) complaints.push('ZITADEL_ORG_ID: missing, SCIM_TOKEN needs it');
    if (!sandbox && !shared.url) complaints.push('ZITADEL_URL: missing, SCIM_TOKEN needs it');
    tenants.unshift({
      ...withDefaults({}, sources),
      id: ENVIRONMENT_TENANT,
      organization: settings.ZITADEL_ORG_ID ?? null,
      zitadel: shared.url && shared.credential ? { url: shared.url, credential: shared.credential } : null,
      tokens: settings.SCIM_TOKEN ? [{ name: ENVIRONMENT_TENANT, sha256: sha256(settings.SCIM_TOKEN) }] : [],
    });
  } else if (!tenants.length) {
    complaints.push(`SCIM_TOKEN: missing, and ${place} has no tenants: nobody could sign in`);
  }
  complaints.push(...clashes(tenants));
  return tenants;
}

interface SharedTarget {
  readonly url: string | undefined;
  readonly credential: Credential | undefined;
}

/** Address and credential of every tenant without its own: the environment before bridge.yaml. */
function sharedTarget({ settings, file, place, cwd, folder }: TenantSources, complaints: string[]): SharedTarget {
  const names = {
    token: 'ZITADEL_TOKEN',
    clientId: 'ZITADEL_CLIENT_ID',
    clientSecret: 'ZITADEL_CLIENT_SECRET',
    keyFile: 'ZITADEL_KEY_FILE',
  };
  const url = settings.ZITADEL_URL ?? file.zitadel?.url;
  const before = complaints.length;
  const credential =
    readCredential(
      {
        token: settings.ZITADEL_TOKEN,
        clientId: settings.ZITADEL_CLIENT_ID,
        clientSecret: settings.ZITADEL_CLIENT_SECRET,
        keyFile: settings.ZITADEL_KEY_FILE,
        names,
        folder: cwd,
      },
      complaints,
    ) ?? fileCredential(file.zitadel, `${place} zitadel`, folder, complaints);
  const wrong = complaints.length > before;
  const needed = settings.SCIM_TOKEN !== undefined || file.tenants.some((entry) => !entry.zitadel);
  if (url && !credential && !wrong && needed) {
    complaints.push(
      `${Object.values(names).join(', ')}: ZITADEL_URL needs a token, a client id with its secret, or a key file`,
    );
  }
  if (credential && !url) complaints.push('ZITADEL_URL: missing, there is a credential for it');
  return { url, credential };
}

function fileCredential(entry: ZitadelEntry | undefined, name: string, folder: string, complaints: string[]) {
  const names = {
    token: `${name}.token`,
    clientId: `${name}.clientId`,
    clientSecret: `${name}.clientSecret`,
    keyFile: `${name}.keyFile`,
  };
  return entry && readCredential({ ...entry, names, folder }, complaints);
}

/** A tenant with an address of its own needs its own credential: the shared one is for the shared address only. */
function tenantTarget(
  entry: TenantEntry,
  name: string,
  shared: SharedTarget,
  { folder }: TenantSources,
  complaints: string[],
): ZitadelTarget | null {
  const before = complaints.length;
  const own = fileCredential(entry.zitadel, `${name}.zitadel`, folder, complaints);
  const wrong = complaints.length > before;
  const url = entry.zitadel?.url ?? shared.url;
  const credential = own ?? (url === shared.url ? shared.credential : undefined);
  if (!url) complaints.push(`${name}.zitadel.url: missing, and there is no ZITADEL_URL`);
  else if (!credential && entry.zitadel && !wrong) {
    complaints.push(`${name}.zitadel: needs token, clientId with clientSecret, or keyFile for its url`);
  }
  return url && credential ? { url, credential } : null;
}

/** The tenant's own setting, else the environment's, else the one at the top of bridge.yaml. */
function withDefaults(entry: Partial<TenantEntry>, { settings, file }: TenantSources) {
  return {
    passwords: entry.passwords ?? settings.PASSWORDS ?? file.passwords ?? 'ignore',
    whenDown: entry.whenDown ?? settings.WHEN_DOWN ?? file.whenDown ?? 'accept',
    uniqueExternalId: entry.uniqueExternalId ?? file.uniqueExternalId ?? false,
    uniqueDisplayName: entry.uniqueDisplayName ?? file.uniqueDisplayName ?? false,
    protect: entry.protect ?? file.protect ?? [],
    groups: {
      strictMembers: entry.groups?.strictMembers ?? file.groups?.strictMembers ?? false,
      applyOnStart: entry.groups?.applyOnStart ?? file.groups?.applyOnStart ?? false,
      rules: entry.groups?.rules ?? file.groups?.rules ?? [],
    },
  };
}

/** A credential that opens two tenants, or two tenants that write to one organization, would mix them up. */
function clashes(tenants: readonly TenantConfig[]): string[] {
  const marks = tenants.flatMap((tenant) => [
    { tenant, what: 'id', mark: tenant.id.toLowerCase() },
    { tenant, what: 'organization', mark: `${tenant.zitadel?.url ?? ''} ${tenant.organization ?? ''}` },
    ...[...new Set(tenant.tokens.map((entry) => entry.sha256))].map((mark) => ({ tenant, what: 'token', mark })),
    ...(tenant.jwt
      ? [{ tenant, what: 'jwt issuer and audience', mark: `${tenant.jwt.issuer} ${tenant.jwt.audience}` }]
      : []),
    ...(tenant.basic ? [{ tenant, what: 'basic user', mark: tenant.basic.user }] : []),
  ]);
  const first = new Map<string, TenantConfig>();
  return marks.flatMap(({ tenant, what, mark }) => {
    const key = `${what} ${mark}`;
    const other = first.get(key);
    if (!other) first.set(key, tenant);
    return other ? [`tenants "${other.id}" and "${tenant.id}" have the same ${what}`] : [];
  });
}
