/** The composition root: the only place that builds and connects the modules. */
import { randomUUID } from 'node:crypto';
import { type Express, Router } from 'express';
import { createBoard } from '../admin/board.ts';
import { createPageRouter } from '../admin/page-router.ts';
import { type AdminSocket, createAdminSocket } from '../admin/socket.ts';
import { socketPath } from '../admin/socket-path.ts';
import { createApp } from './app.ts';
import type { Operator } from '../bridge/ports/operator.ts';
import type { Clock } from '../bridge/ports/context.ts';
import type { Timing } from '../bridge/timing.ts';
import type { Config } from '../config/config.ts';
import { createHealth, createMetricsApp, type NotReady } from './health.ts';
import { type Log, reason } from './log.ts';
import { createMetrics } from './metrics.ts';
import { reportRequest, reportSync } from './reports.ts';
import { createRooms, type Rooms } from './tenants.ts';
import { createAccess } from '../scim/http/auth.ts';
import { createScim } from '../scim/http/router.ts';
import { createFailures } from '../scim/http/throttle.ts';
import { ownFolder } from '../store/sqlite/folder.ts';
import type { CommitHook } from '../store/sqlite/writer.ts';

export interface Bridge {
  readonly app: Express;
  /** with METRICS_PORT, to be served there */
  readonly metrics?: Express;
  /** Starts to sync, to deliver what an earlier process left, and to listen to operators. */
  start(): Promise<void>;
  /** From now on new requests are answered 503. */
  end(): void;
  /** Finishes running work; pending changes stay for the next start. */
  stop(): Promise<void>;
}

export interface WireOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  /** for tests: durations that override the configuration and the defaults */
  readonly timing?: Partial<Timing>;
  /** for tests and measurements: delays commits */
  readonly hook?: CommitHook;
  /** folder of the admin socket; default DATA_DIR of `config` */
  readonly adminDir?: string;
  /** called once with the reason when the store stays unavailable to this process */
  readonly onGone?: (reason: string) => void;
}

/** Builds the bridge for a configuration whose tenants all have a ZITADEL. */
export async function wire({
  config,
  log,
  clock = Date.now,
  timing,
  hook,
  adminDir,
  onGone,
}: WireOptions): Promise<Bridge> {
  const metrics = createMetrics(() => Promise.all([...operators.values()].map((operator) => operator.state())), clock);
  /** stale changes are on hold: an earlier request could send them */
  let opened = false;
  /** why the last sync of a tenant failed, as logged */
  const failures = new Map<string, string>();
  const rooms = await createRooms({
    config,
    log,
    clock,
    timing,
    hook,
    metrics,
    onGone,
    onSync(tenant, event) {
      if (event.kind === 'failed') failures.set(tenant, reason(event.reason));
      else if (event.kind === 'finished') failures.delete(tenant);
      reportSync(tenant, event, log, metrics, clock);
    },
  });
  const { entries, operators, queue, bull } = rooms;

  const access = createAccess({
    clock,
    tenants: entries.map(({ config: { id, organization, mediaType, groupPatchAnswer, tokens, jwt, basic }, made }) => ({
      tenant: {
        id,
        organization: organization ?? '',
        users: made.users,
        groups: made.groups,
        ...(groupPatchAnswer === undefined ? {} : { groupPatchAnswer }),
        ready: () => opened && made.ready(),
        ...(mediaType === undefined ? {} : { mediaType }),
      },
      tokens: tokens.map(({ expires, ...token }) => (expires === undefined ? token : { ...token, expires })),
      ...(jwt === undefined ? {} : { jwt }),
      ...(basic === undefined ? {} : { basic }),
    })),
  });
  const { publicUrl, trustProxy } = config.server;
  const scim = createScim({
    access,
    ...(publicUrl === undefined ? {} : { publicUrl }),
    rateLimit: config.limits.rateLimit,
    log: (line) => reportRequest(line, log, metrics),
    clock,
    ids: randomUUID,
    changePassword: ({ id }) => config.tenants.some((each) => each.id === id && each.passwords === 'set'),
  });
  const health = createHealth({
    // all processes fail together when Redis does: a balancer that removed all of them would answer instead
    notReady: () =>
      notReady(rooms, opened, failures, config.store.redis === undefined ? rooms.storeFailing() : undefined),
    scrape: config.server.metricsPort === undefined ? () => metrics.scrape() : undefined,
  });
  const desk = { operators, setups: config.tenants, clock };
  /** page and board share one token: wrong guesses are counted together */
  const admin = { tokenHash: config.admin.tokenHash, failures: createFailures(clock) };
  const page = createPageRouter({ desk, ...admin, codes: reason });
  let ending = false;
  const app = createApp({
    // a worker serves only its operators
    scim: config.role === 'worker' ? Router() : scim,
    health,
    page,
    board: bull && createBoard({ ...bull, ...admin }),
    trustProxy,
    isEnding: () => ending,
  });
  let socket: AdminSocket | undefined;

  return {
    app,
    ...(config.server.metricsPort === undefined ? {} : { metrics: createMetricsApp(() => metrics.scrape()) }),
    async start() {
      await rooms.open(true);
      // the embedded store has created its folder itself
      if (config.store.redis !== undefined) ownFolder(adminDir ?? config.store.dataDir);
      socket = await createAdminSocket({
        path: socketPath(adminDir ?? config.store.dataDir),
        desk,
        onError: (error) => log.system('error', 'an operator command failed with an unexpected error', { error }),
      });
      opened = true;
      for (const { made } of entries) made.start();
      void queue.start();
    },
    end() {
      ending = true;
    },
    async stop() {
      await socket?.stop();
      await rooms.close();
    },
  };
}

function notReady(
  { entries, lost }: Rooms,
  opened: boolean,
  failures: ReadonlyMap<string, string>,
  storeFailing: string | undefined,
): NotReady[] {
  if (!opened) return [{ reason: 'the store is being opened' }];
  const gone = lost();
  if (gone !== undefined) return [{ reason: gone }];
  if (storeFailing !== undefined) return [{ reason: `the store cannot be written: ${storeFailing}` }];
  return entries.flatMap(({ made, config: { id } }) => {
    if (made.ready()) return [];
    const why = failures.get(id);
    const told =
      why === undefined ? 'the first sync has not finished yet' : `the first sync failed (${why}); it is tried again`;
    return [{ tenant: id, reason: told }];
  });
}

/** The parts for one operator's command while no bridge runs: nothing is synced or delivered on its own. */
export async function wireOffline({
  config,
  log,
  clock = Date.now,
}: WireOptions): Promise<{ readonly operators: ReadonlyMap<string, Operator>; stop(): Promise<void> }> {
  const metrics = createMetrics(async () => [], clock);
  const rooms = await createRooms({ config, log, clock, metrics, onSync: () => undefined });
  await rooms.open(false);
  return { operators: rooms.operators, stop: () => rooms.close() };
}
