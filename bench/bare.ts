/** What the bridge is held against: an Express handler that makes the CreateUser call and nothing else. A process of its own. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { connectDirectly } from './person.ts';

const { ZITADEL_URL = '', ZITADEL_ORG_ID = '', ZITADEL_TOKEN = '' } = process.env;
const direct = connectDirectly({ url: ZITADEL_URL, organization: ZITADEL_ORG_ID, token: ZITADEL_TOKEN });

const app = express();
app.post('/Users', express.json({ type: 'application/scim+json' }), async (request, response) => {
  const user = request.body as { readonly userName: string };
  const id = await direct.create(user.userName.slice(0, user.userName.indexOf('@')));
  response.status(201).json({ id, ...user });
});

const server = app.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
