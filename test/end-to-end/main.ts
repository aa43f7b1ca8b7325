/**
 * The bridge as a process of its own, for tests. BRIDGE_TIMING is JSON of some of `Timing`; with BRIDGE_SILENT=POST requests of
 * that method are worked on as ever, and their answers never leave.
 */
import type { Timing } from '../../src/bridge/timing.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/server/log.ts';
import { createServer } from '../../src/server/http-server.ts';
import { wire } from '../../src/server/compose.ts';

const { BRIDGE_TIMING = '{}', BRIDGE_SILENT } = process.env;
const config = loadConfig(process.env, process.cwd());
const bridge = await wire({
  config,
  log: createLog(config.log),
  timing: JSON.parse(BRIDGE_TIMING) as Partial<Timing>,
});
const server = createServer((request, response) => {
  if (request.method === BRIDGE_SILENT) response.end = () => response;
  bridge.app(request, response);
});
await new Promise<void>((resolve) => server.listen(config.server.port, config.server.host, resolve));
await bridge.start();
