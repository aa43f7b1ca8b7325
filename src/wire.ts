/** The composition root: the only place that builds things and joins rooms. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Express } from 'express';
import { createApp } from './app.ts';
import type { Clock } from './bridge/ports.ts';
import { createReconcile } from './bridge/reconcile.ts';
import { createSettlements } from './bridge/settlements.ts';
import { type BridgeTenant, createTenant } from './bridge/tenant.ts';
import { TIMING, type Timing } from './bridge/timing.ts';
import type { Config } from './config.ts';
import type { TenantConfig } from './config/tenants.ts';
import { createHealth, type NotReady } from './health.ts';
import { type Log, reason } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createQueue } from './queue/timers.ts';
import { reportDelivery, reportRequest, reportSync } from './reports.ts';
import { createAccess } from './scim/auth.ts';
import { createScim } from './scim/router.ts';
import { createSqliteStore } from './store/sqlite/store.ts';
import { type Connection, createConnection } from './zitadel/connection.ts';
import { createZitadel } from './zitadel/zitadel.ts';

export interface Bridge {
  readonly app: Express;
  /** Begins to sync and to deliver what an earlier process left. */
  start(): Promise<void>;
  /** Finishes what runs; what is owed stays for the next start. */
  stop(): Promise<void>;
}

export interface WireOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock?: Clock;
  /** for tests: other durations than the configuration's and the defaults */
  readonly timing?: Partial<Timing>;
}

/** Builds the bridge for a configuration whose tenants all have a ZITADEL. */
export async function wire({ config, log, clock = Date.now, timing: faster = {} }: WireOptions): Promise<Bridge> {
  const { viewMaxAge, syncInterval, answerWithin } = config.limits;
  const timing: Timing = { ...TIMING, viewMaxAge, syncInterval, answerWithin, ...faster };
  const store = await createSqliteStore({
    directory: config.store.dataDir,
    clock,
    onFailure: (error) =>
      log.system('error', 'the store failed; writes are answered 503 until it works again', { error }),
  });
  const metrics = createMetrics(() =>
    Promise.all(config.tenants.map(async ({ id }) => ({ tenant: id, ...(await store.counts(id)) }))),
  );
  let recovered = false;
  const connections = new Map<string, Connection>();
  const tenants = new Map<string, BridgeTenant>();
  /** why the last sync of a tenant failed, as the log says it */
  const failures = new Map<string, string>();
  const settlements = createSettlements();
  const queue = createQueue({
    store,
    clock,
    leases: timing.lease,
    deliver: (key) => reconcile(key),
    onError: (error) => log.system('error', 'a sweep over the due rows failed; it is tried again', { error }),
  });
  const reconcile = createReconcile({
    store,
    settlements,
    of: (tenant) => tenants.get(tenant)?.target,
    clock,
    timing,
    wake: queue,
    // once the answer has left: nobody waits for a log line
    onDelivery: (delivery) => void setImmediate(reportDelivery, delivery, log, metrics),
    onError: ({ tenant, id }, error) =>
      log.system('error', 'a row failed in a way nobody expected; it is tried again', { tenant, id, error }),
  });

  for (const each of config.tenants) {
    const zitadel = zitadelOf(each);
    const tenant = createTenant({
      id: each.id,
      organization: each.organization ?? '',
      unique: { instance: zitadel.instance, externalId: each.uniqueExternalId },
      store,
      zitadel: zitadel.port,
      reconcile,
      settlements,
      clock,
      ids: randomUUID,
      timing,
      passwords: each.passwords,
      protect: each.protect,
      onSync(event) {
        if (event.kind === 'failed') failures.set(each.id, reason(event.reason));
        else if (event.kind === 'finished') failures.delete(each.id);
        reportSync(each.id, event, log, metrics, clock);
      },
    });
    tenants.set(each.id, tenant);
  }

  const entries = config.tenants.flatMap((each) => {
    const made = tenants.get(each.id);
    return made === undefined ? [] : [{ config: each, made }];
  });
  const access = createAccess({
    clock,
    tenants: entries.map(({ config: { id, organization, mediaType, tokens, jwt, basic }, made }) => ({
      tenant: {
        id,
        organization: organization ?? '',
        users: made.users,
        ready: () => recovered && made.ready(),
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
  const notReady = (): NotReady[] => {
    if (!recovered) return [{ reason: 'what the last process left is being looked at' }];
    return entries.flatMap(({ made, config: { id } }) => {
      if (made.ready()) return [];
      const why = failures.get(id);
      const told =
        why === undefined ? 'the first sync has not finished yet' : `the first sync failed (${why}); it is tried again`;
      return [{ tenant: id, reason: told }];
    });
  };
  const app = createApp({ scim, health: createHealth({ notReady, scrape: () => metrics.scrape() }), trustProxy });

  return {
    app,
    async start() {
      for (const { made } of entries) await made.start();
      // what the last process left is looked at before anything is answered, but not for ever
      await Promise.race([queue.start(), delay(timing.answerWithin, undefined, { ref: false })]);
      recovered = true;
    },
    async stop() {
      await Promise.all(entries.map(({ made }) => made.stop()));
      await queue.stop();
      await store.close();
      for (const connection of connections.values()) connection.close();
    },
  };

  function zitadelOf({ id, zitadel, organization }: TenantConfig) {
    if (zitadel === null || organization === null) throw new Error(`tenant ${id} has no ZITADEL`);
    const instance = config.sandbox ? 'sandbox' : zitadel.url.toLowerCase(); // the sandbox changes its port, its names stay
    const connection =
      connections.get(instance) ?? createConnection({ url: zitadel.url, maxInFlight: config.zitadel.maxInFlight });
    connections.set(instance, connection);
    const { emailVerified, phoneVerified } = config.zitadel;
    const port = createZitadel({
      connection,
      organization,
      credential: zitadel.credential,
      emailVerified,
      phoneVerified,
      onCall: ({ call, outcome, ms }) => metrics.call(call, outcome, ms),
    });
    return { instance, port };
  }
}
