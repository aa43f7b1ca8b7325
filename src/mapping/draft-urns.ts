/** Names that drafts of SCIM gave to schemas: OneLogin still sends them (goauthentik/authentik#11249), others kept them from SCIM 1.1. */

/** Lower-case names by the lower-case URN of RFC 7643 that each stands for. A core name without a type can stand for users and groups. */
const DRAFTS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  draftsOf('urn:ietf:params:scim:schemas:core:2.0:user', 'core', 'user'),
  draftsOf('urn:ietf:params:scim:schemas:core:2.0:group', 'core', 'group'),
  draftsOf('urn:ietf:params:scim:schemas:extension:enterprise:2.0:user', 'extension:enterprise', 'user'),
]);

function draftsOf(urn: string, name: string, type: string): readonly [string, ReadonlySet<string>] {
  const versions = ['1.0', '2.0'].map((version) => `urn:scim:schemas:${name}:${version}`);
  return [urn, new Set(versions.flatMap((each) => [each, `${each}:${type}`]))];
}

/** Whether `written` is a draft's name of the schema with this URN; case is ignored. */
export function isDraftOf(urn: string, written: string): boolean {
  // checked for every name in a body: most are no URN at all
  if (written[3] !== ':') return false;
  return DRAFTS.get(urn.toLowerCase())?.has(written.toLowerCase()) === true;
}
