/** Users to send, each with a name of its own, and a look into ZITADEL past the bridge. */
import assert from 'node:assert/strict';
import { USER_URN } from '../../src/mapping/schema.ts';
import type { Json } from './bridge.ts';
import type { SandboxProcess } from './sandbox.ts';

let made = 0;

/** A user of Okta's shape. */
export function ada(over: object = {}): Record<string, Json> {
  made += 1;
  return {
    schemas: [USER_URN],
    userName: `ada${made}@example.com`,
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    displayName: 'Ada Lovelace',
    emails: [{ value: `ada${made}@example.com`, type: 'work', primary: true }],
    active: true,
    ...over,
  };
}

export const patch = (...Operations: object[]): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations,
});

/** A human as ZITADEL's own API makes it. */
export const human = (username: string, organizationId: string): object => ({
  organizationId,
  username,
  human: { profile: { givenName: 'Ada', familyName: 'King' }, email: { email: 'king@example.com', isVerified: true } },
});

/** A UserService call past the bridge, as the instance owner makes it. */
export async function atZitadel(sandbox: SandboxProcess, method: string, body: object): Promise<Json> {
  const answer = await fetch(`${sandbox.url}/zitadel.user.v2.UserService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${sandbox.seeds.tokens.instanceOwner}` },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as Json;
}

export async function inZitadel(sandbox: SandboxProcess, id: string): Promise<Json> {
  return (await atZitadel(sandbox, 'GetUserByID', { userId: id })).user;
}

/** All humans of organization A with this username: twins would show. */
export async function named(sandbox: SandboxProcess, userName: string): Promise<readonly Json[]> {
  const query = { userNameQuery: { userName, method: 'TEXT_QUERY_METHOD_EQUALS_IGNORE_CASE' } };
  return (await atZitadel(sandbox, 'ListUsers', { queries: [query] })).result ?? [];
}

/** Calls that write, made since the last reset. */
export async function writes(sandbox: SandboxProcess): Promise<Record<string, number>> {
  const calls = await sandbox.calls();
  return Object.fromEntries(Object.entries(calls).filter(([call]) => !/^(Get|List)/.test(call)));
}

/** Metadata of a user: key without the prefix and text. */
export async function metadata(sandbox: SandboxProcess, userId: string): Promise<Record<string, string>> {
  const { metadata: found = [] } = await atZitadel(sandbox, 'ListUserMetadata', { userId });
  return Object.fromEntries(
    found.map(({ key, value }: Json) => [
      key.replace('urn:zitadel:scim:', ''),
      Buffer.from(value, 'base64').toString(),
    ]),
  );
}

/** What was applied to a user since the entry `from` of the log, by method and in its order. */
export async function applied(sandbox: SandboxProcess, id: string, from = 0): Promise<readonly string[]> {
  return (await sandbox.log())
    .slice(from)
    .flatMap((each) => (each.userId === id && each.applied !== null ? [each.method] : []));
}
