/** The protocol room in an app of its own, on fake users and groups. */
import { createHash, randomUUID } from 'node:crypto';
import express, { type Express } from 'express';
import { createAccess, type TenantAccess } from '../../src/scim/http/auth.ts';
import type { RequestLine } from '../../src/scim/http/request-log.ts';
import { createScim, type ScimOptions } from '../../src/scim/http/router.ts';
import type { Tenant } from '../../src/bridge/requests/use-cases.ts';
import { createFakeGroups, type FakeGroups } from './fake-groups.ts';
import { createFakeUsers, type FakeUsers } from './fake-users.ts';

export const TOKEN = 'a-token-for-tests-of-128-bits';
export const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE_URN = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const PATCH_URN = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export interface Served {
  readonly app: Express;
  readonly users: FakeUsers;
  readonly groups: FakeGroups;
  readonly lines: RequestLine[];
  /** moves the clock, in milliseconds */
  pass(ms: number): void;
}

interface Setup {
  readonly tenant?: Partial<Tenant>;
  readonly access?: Partial<TenantAccess>;
  readonly others?: readonly TenantAccess[];
  readonly options?: Partial<ScimOptions>;
}

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

export function serve({ tenant, access, others = [], options }: Setup = {}): Served {
  let now = Date.parse('2026-03-01T12:00:00Z');
  const clock = (): number => now;
  const users: FakeUsers = createFakeUsers(clock, (id) => groups.of(id));
  const groups = createFakeGroups(clock, users);
  const lines: RequestLine[] = [];
  const full: Tenant = { id: 'acme', organization: '400559977632107558', users, groups, ready: () => true, ...tenant };
  const tenants = [{ tenant: full, tokens: [{ name: 'okta', sha256: hash(TOKEN) }], ...access }, ...others];
  const app = express();
  app.disable('x-powered-by');
  app.use(
    '/scim/v2',
    createScim({
      access: createAccess({ tenants, clock }),
      rateLimit: 0,
      log: (line) => lines.push(line),
      ids: randomUUID,
      clock,
      ...options,
    }),
  );
  return { app, users, groups, lines, pass: (ms) => (now += ms) };
}
