/**
 * npm run test:contract: the contract on a real ZITADEL. It makes users in the organization and deletes them again; what stays is the
 * machine user scim-groups-<organization>.
 */
import { after } from 'node:test';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createZitadel } from '../../src/zitadel/zitadel.ts';
import { contract } from './contract.ts';

const {
  ZITADEL_URL: url,
  ZITADEL_TOKEN: token,
  ZITADEL_ORG_ID: organization,
  ZITADEL_PROJECT_ID: project,
} = process.env;
if (!url || !token || !organization) {
  process.stderr.write(
    'Set ZITADEL_URL, ZITADEL_TOKEN (of a service user with ORG_USER_MANAGER, or ORG_OWNER for roles in the organization) and ZITADEL_ORG_ID;\n' +
      'ZITADEL_PROJECT_ID (of a project with two roles) for roles in projects.\n',
  );
  process.exit(2);
}

const connection = createConnection({ url, maxInFlight: 8 });
after(() => connection.close());
contract(url, () =>
  Promise.resolve({
    zitadel: createZitadel({
      connection,
      organization,
      credential: { kind: 'token', token },
      emailVerified: true,
      phoneVerified: true,
    }),
    ...(project === undefined ? {} : { project }),
  }),
);
