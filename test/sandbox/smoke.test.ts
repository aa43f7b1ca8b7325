import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import { createSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';

describe('sandbox protocols', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await createSandbox({ lag: false });
  });
  after(() => sandbox.close());

  const transports = {
    'Connect over h2c': () => createConnectTransport({ baseUrl: sandbox.url, httpVersion: '2' }),
    'Connect over HTTP/1.1': () => createConnectTransport({ baseUrl: sandbox.url, httpVersion: '1.1' }),
    'Connect JSON': () => createConnectTransport({ baseUrl: sandbox.url, httpVersion: '2', useBinaryFormat: false }),
    gRPC: () => createGrpcTransport({ baseUrl: sandbox.url }),
  };
  for (const [name, make] of Object.entries(transports)) {
    it(`creates, reads, renames and deletes a user by ${name}`, async () => {
      const client = createClient(UserService, make());
      const headers = { authorization: `Bearer ${sandbox.seeds.tokens.managerA}` };
      const { id } = await client.createUser(
        {
          organizationId: sandbox.seeds.organizations.a,
          username: `ann ${name}`,
          userType: {
            case: 'human',
            value: {
              profile: { givenName: 'Ann', familyName: 'Alpha' },
              email: { email: 'ann@example.test', verification: { case: 'isVerified', value: true } },
            },
          },
        },
        { headers },
      );
      assert.equal((await client.getUserByID({ userId: id }, { headers })).user?.username, `ann ${name}`);
      await client.updateUser({ userId: id, username: 'bob', userType: { case: 'human', value: {} } }, { headers });
      await client.deleteUser({ userId: id }, { headers });
      await assert.rejects(client.getUserByID({ userId: id }, { headers }), (reason) => {
        assert(reason instanceof ConnectError);
        assert.equal(reason.code, Code.NotFound);
        assert.match(reason.message, /QUERY-Dfbg2/);
        return true;
      });
      await assert.rejects(client.getUserByID({ userId: id }), { code: Code.Unauthenticated });
    });
  }
});
