/**
 * The bridge as a process of its own that can be looked into: GET /bench tells its commits and the delay of its event loop since it was
 * asked last. BENCH_COMMIT_DELAY: every commit takes so many ms more. BENCH_WAIT=false: no write waits for its commit.
 */
import type { AddressInfo } from 'node:net';
import { registerHooks } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loadConfig } from '../src/config/config.ts';
import { createLog } from '../src/server/log.ts';
import { createServer } from '../src/server/http-server.ts';
import { commits } from './counted-store.ts';

/** What the process tells of itself; the delays in ms. */
export interface Look {
  readonly commits: number;
  readonly p99: number;
  readonly max: number;
}

const STORE = new URL('../src/store/sqlite/store.ts', import.meta.url).href;
const COUNTED = new URL('./counted-store.ts', import.meta.url).href;
/** ms between two looks at the loop; they are part of what is recorded */
const RESOLUTION = 1;

// the rooms are the product's own, but for the store they get
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    return found.url === STORE && context.parentURL !== COUNTED ? { ...found, url: COUNTED } : found;
  },
});
const { wire } = await import('../src/server/compose.ts');

const config = loadConfig(process.env, process.cwd());
const delayMs = Number(process.env['BENCH_COMMIT_DELAY'] ?? 0);
const bridge = await wire({ config, log: createLog(config.log), hook: { delayMs } });
const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
loop.enable();
let counted = 0;

function look(): Look {
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION);
  const told = { commits: commits.count - counted, p99: ms(loop.percentile(99)), max: ms(loop.max) };
  counted = commits.count;
  loop.reset();
  return told;
}

const server = createServer((request, response) => {
  if (request.url !== '/bench') bridge.app(request, response);
  else {
    const body = JSON.stringify(look());
    response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(body);
  }
});
await new Promise<void>((resolve) => server.listen(config.server.port, config.server.host, resolve));
await bridge.start();
console.log(JSON.stringify({ address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));

process.once('SIGTERM', async () => {
  server.closeAllConnections();
  await bridge.stop();
  process.exit(0);
});
