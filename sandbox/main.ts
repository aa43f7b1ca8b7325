import { createSandbox } from './server.ts';

/** The sandbox as a process of its own. Settings by environment, each as the option of the same meaning. */
const { PORT, HOST, SANDBOX_FILE, SANDBOX_LAG, SANDBOX_LATENCY, SANDBOX_SERVICES, SANDBOX_MAX_LIMIT } = process.env;
const { SANDBOX_VERSION: version } = process.env;
const { SANDBOX_EXTERNAL_DOMAIN } = process.env;

const sandbox = await createSandbox({
  port: Number(PORT ?? 8080),
  ...(HOST ? { host: HOST } : {}),
  ...(SANDBOX_FILE ? { file: SANDBOX_FILE } : {}),
  lag: SANDBOX_LAG !== 'false',
  latency: SANDBOX_LATENCY === 'true',
  ...(SANDBOX_SERVICES === 'v2' || SANDBOX_SERVICES === 'v2beta' ? { services: SANDBOX_SERVICES } : {}),
  ...(version === 'A' || version === 'B' || version === 'C' ? { version } : {}),
  ...(SANDBOX_MAX_LIMIT ? { maxLimit: Number(SANDBOX_MAX_LIMIT) } : {}),
  ...(SANDBOX_EXTERNAL_DOMAIN ? { externalDomain: SANDBOX_EXTERNAL_DOMAIN } : {}),
});
const { organizations, tokens, client, project } = sandbox.seeds;
console.log(`sandbox ZITADEL at ${sandbox.url}`);
console.log(`organizations   A ${organizations.a}   B ${organizations.b}`);
console.log(`project         ${project} (roles viewer, editor, admin) of A`);
for (const [who, token] of Object.entries(tokens)) console.log(`token           ${who.padEnd(14)} ${token}`);
console.log(`client          ${client.id} ${client.secret}`);
console.log(`key file        GET ${sandbox.url}/sandbox/seeds (key)`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void sandbox.close().then(() => process.exit(0)));
}
