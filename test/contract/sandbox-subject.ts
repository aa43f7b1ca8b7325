/** A sandbox as the contract's subject. */
import { after } from 'node:test';
import { createSandbox } from '../../sandbox/server.ts';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createZitadel } from '../../src/zitadel/zitadel.ts';
import type { Version } from '../../sandbox/errors.ts';
import type { Subject } from './contract.ts';

const ends: (() => Promise<void> | void)[] = [];
after(async () => {
  for (const end of ends) await end();
});

/** @param caller whose token: it decides what is seen of other organizations */
export async function subject(
  caller: 'managerA' | 'ownerA' | 'instanceOwner',
  self: string,
  options: { readonly services?: 'v2'; readonly version?: Version } = {},
): Promise<Subject> {
  const sandbox = await createSandbox(options);
  const connection = createConnection({ url: sandbox.url, maxInFlight: 8 });
  ends.push(
    () => connection.close(),
    () => sandbox.close(),
  );
  const { seeds } = sandbox;
  const zitadelOf = (organization: string, token: string) =>
    createZitadel({
      connection,
      organization,
      credential: { kind: 'token', token },
      emailVerified: true,
      phoneVerified: true,
    });
  const stranger = 'stranger-of-b';
  const set = { username: 'stranger', givenName: 'S', familyName: 'B', displayName: 'S B', email: 's@example.test' };
  const other = zitadelOf(seeds.organizations.b, seeds.tokens.managerB);
  await other.run(stranger, { call: 'CreateUser', set, names: [], after: set }, () => Promise.resolve(true));
  const id = seeds.users[self];
  if (id === undefined) throw new Error(`no seed ${self}`);
  const zitadel = zitadelOf(seeds.organizations.a, seeds.tokens[caller]);
  return { zitadel, stranger, self: id, project: seeds.project, disposable: true };
}
