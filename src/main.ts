/** The process: configuration, wiring, listening, orderly shutdown. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import closeWithGrace from 'close-with-grace';
import { type Config, loadConfig } from './config/config.ts';
import { createLog } from './server/log.ts';
import { withSandbox } from './server/sandbox.ts';
import { createServer } from './server/http-server.ts';
import { wire } from './server/compose.ts';

/** Requests end within ANSWER_WITHIN; the rest of the shutdown gets this long, ms. */
const GRACE = 5_000;

try {
  await main(loadConfig(process.env, process.cwd()));
} catch (error) {
  console.error(error instanceof Error && !isMistake(error) ? said(error) : error);
  process.exit(1);
}

async function main(given: Config): Promise<void> {
  const log = createLog(given.log);
  const { config, sandbox, token } = await withSandbox(given);
  const gone = Promise.withResolvers<string>();
  const bridge = await wire({ config, log, adminDir: given.store.dataDir, onGone: gone.resolve });
  const { host, tls } = config.server;
  const server = createServer(bridge.app, tls);
  await listening(server, config.server.port, host);
  const metrics = bridge.metrics && createServer(bridge.metrics, tls);
  if (metrics !== undefined) await listening(metrics, config.server.metricsPort ?? 0, host);
  let isGone = false;
  const grace = closeWithGrace({ delay: config.limits.answerWithin + GRACE, logger: false }, async ({ err }) => {
    if (err !== undefined) log.system('fatal', 'the process ends after an unexpected error', { error: err });
    bridge.end();
    await closed(server);
    if (metrics !== undefined) await closed(metrics);
    await bridge.stop();
    await sandbox?.close();
    if (isGone) process.exit(1);
  });
  function leave(reason: string): void {
    isGone = true;
    log.system('fatal', 'the process ends: what the store kept cannot come back', { setting: reason });
    console.error(reason);
    grace.close();
  }
  void gone.promise.then(leave);
  await bridge.start();
  const addressOf = (each: Server): string => {
    const { port } = each.address() as AddressInfo; // the free one, when 0 was asked for
    return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  };
  const address = addressOf(server);
  const base = `${config.server.publicUrl ?? address}/scim/v2`;
  log.system('info', 'listening', { address });
  if (metrics !== undefined) log.system('info', 'metrics are served', { address: addressOf(metrics) });
  if (sandbox !== undefined) console.log(welcome(base, token));
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

/** Resolves when the last request has been answered. Each connection closes after its answer. */
async function closed(server: Server): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearInterval(idle);
}

/** An error and its causes. */
function said({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message} ${said(cause)}` : message;
}

/** A bug needs the place in the code; any other error tells the operator what to do: a port or folder in use. */
function isMistake(error: unknown): boolean {
  return [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
}

/** The output of a first start, for people. */
function welcome(base: string, token: string | undefined): string {
  const shown = token ?? '$SCIM_TOKEN';
  const user = JSON.stringify({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: 'ada@example.com',
    name: { givenName: 'Ada', familyName: 'Lovelace' },
    emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
  });
  return [
    '',
    `SCIM base URL  ${base}`,
    `bearer token   ${shown}`,
    'ZITADEL        the sandbox in this process; set ZITADEL_URL for a real one',
    '',
    'Create a user:',
    '',
    `curl -i ${base}/Users -H "Authorization: Bearer ${shown}" -H 'Content-Type: application/scim+json' -d '${user}'`,
    '',
  ].join('\n');
}
