/** The same new user as a client sends it, and as the call that ZITADEL gets for it. */
import { randomUUID } from 'node:crypto';
import type { CallOptions, Client } from '@connectrpc/connect';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { InternalPermissionService } from '@zitadel/proto/zitadel/internal_permission/v2beta/internal_permission_service_pb.js';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';

export interface Zitadel {
  readonly url: string;
  readonly organization: string;
  readonly token: string;
}

/** Calls to ZITADEL without a bridge: the client that the bridge uses too, and nothing else. */
export interface Direct {
  /** Resolves with the id. */
  create(name: string): Promise<string>;
  deactivate(userId: string): Promise<void>;
  /** SetUserMetadata of one key, as a membership is kept. */
  setMetadata(userId: string, key: string): Promise<void>;
  /** CreateAdministrator: a role in the organization for one who has none. One at a time. */
  giveRole(userId: string, role: string): Promise<void>;
  remove(userId: string): Promise<void>;
}

export function connectDirectly({ url, organization, token }: Zitadel): Direct {
  const transport = createConnectTransport({ baseUrl: url, httpVersion: '2', acceptCompression: [] });
  const users: Client<typeof UserService> = createClient(UserService, transport);
  const permissions: Client<typeof InternalPermissionService> = createClient(InternalPermissionService, transport);
  const resource = { resource: { case: 'organizationId', value: organization } } as const;
  const options: CallOptions = { headers: { authorization: `Bearer ${token}`, 'x-zitadel-orgid': organization } };
  return {
    async create(name) {
      const userId = randomUUID();
      await users.createUser(creation(organization, userId, name), options);
      return userId;
    },
    deactivate: async (userId) => void (await users.deactivateUser({ userId }, options)),
    async setMetadata(userId, key) {
      await users.setUserMetadata({ userId, metadata: [{ key, value: Buffer.from('1') }] }, options);
    },
    async giveRole(userId, role) {
      await permissions.createAdministrator({ userId, resource, roles: [role] }, options);
    },
    remove: async (userId) => void (await users.deleteUser({ userId }, options)),
  };
}

const NAMES = { givenName: 'Ada', familyName: 'Lovelace' };
const TITLE = 'Engineer';
const PHONE = '+41791234567';

const emailsOf = (name: string) => [{ value: `${name}@bench.test`, type: 'work', primary: true }];
const phones = [{ value: PHONE, type: 'mobile', primary: true }];
export const externalIdOf = (name: string): string => `external-${name}`;

export function scimUser(name: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${name}@bench.test`,
    externalId: externalIdOf(name),
    name: NAMES,
    displayName: 'Ada Lovelace',
    title: TITLE,
    emails: emailsOf(name),
    phoneNumbers: phones,
    active: true,
  };
}

/** The message that the bridge makes of scimUser(name). */
function creation(organizationId: string, userId: string, name: string) {
  const metadata = Object.entries({
    externalId: externalIdOf(name),
    title: TITLE,
    emails: JSON.stringify(emailsOf(name)),
    phoneNumbers: JSON.stringify(phones),
  }).map(([key, value]) => ({ key: `urn:zitadel:scim:${key}`, value: Buffer.from(value) }));
  const verification = { case: 'isVerified', value: true } as const;
  const value = {
    profile: { ...NAMES, displayName: 'Ada Lovelace' },
    email: { email: `${name}@bench.test`, verification },
    phone: { phone: PHONE, verification },
    metadata,
  };
  return { organizationId, userId, username: `${name}@bench.test`, userType: { case: 'human', value } } as const;
}
