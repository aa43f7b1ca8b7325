/**
 * The bridge as a process of its own with durations for tests: KILL_TIMING is JSON of some of `Timing`.
 * KILL_SLOW_LINE: its answers leave up to so many ms late, as over a slow line.
 */
import type { ServerResponse } from 'node:http';
import type { Timing } from '../../src/bridge/timing.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/server/log.ts';
import { createServer } from '../../src/server/http-server.ts';
import { wire } from '../../src/server/compose.ts';

const { KILL_TIMING = '{}', KILL_SLOW_LINE = '0' } = process.env;
const config = loadConfig(process.env, process.cwd());
const log = createLog(config.log);
const bridge = await wire({ config, log, timing: JSON.parse(KILL_TIMING) as Partial<Timing> });
const late = Number(KILL_SLOW_LINE);
const server = createServer((request, response) => {
  if (late > 0) holdUp(response);
  bridge.app(request, response);
});
await new Promise<void>((resolve) => server.listen(config.server.port, config.server.host, resolve));
await bridge.start();

function holdUp(response: ServerResponse): void {
  const end = response.end.bind(response) as (...all: unknown[]) => ServerResponse;
  response.end = (...all: unknown[]) => {
    setTimeout(end, Math.random() * late, ...all);
    return response;
  };
}
