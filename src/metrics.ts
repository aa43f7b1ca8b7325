/** Prometheus metrics. Rooms get functions to report by; names and labels stand here only. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the store holds of one tenant. */
export interface TenantCounts {
  readonly tenant: string;
  /** users shown */
  readonly rows: number;
  /** users with changes that are not settled */
  readonly owed: number;
  /** users with a call whose outcome is not known */
  readonly doubt: number;
}

/** A sync that runs or has finished. */
export interface SyncProgress {
  readonly tenant: string;
  /** users seen so far */
  readonly seen: number;
  /** milliseconds since 1970 when it finished; absent while it runs */
  readonly finished?: number | undefined;
}

export interface Metrics {
  /** One answered request. `route` is the pattern (`/Users/:id`), `ms` the time until the answer had left. */
  request(method: string, route: string, status: number, ms: number): void;
  /** One call to ZITADEL. `outcome` is ok, or the id (else the code) of the error. */
  call(call: string, outcome: string, ms: number): void;
  /** One delivery ended this way. */
  delivery(tenant: string, outcome: string): void;
  sync(progress: SyncProgress): void;
  /** The text that Prometheus reads, with its media type. */
  scrape(): Promise<{ readonly type: string; readonly body: string }>;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Seconds: from answers out of the view to the longest wait. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];

/** `counts` is asked at each scrape. */
export function createMetrics(counts: () => Promise<readonly TenantCounts[]>): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });

  const requests = new Histogram({
    name: 'scim_bridge_request_seconds',
    help: 'SCIM requests by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const calls = new Histogram({
    name: 'scim_bridge_zitadel_call_seconds',
    help: 'Calls to ZITADEL by call and outcome.',
    labelNames: ['call', 'outcome'],
    buckets: BUCKETS,
    registers,
  });
  const deliveries = new Counter({
    name: 'scim_bridge_deliveries_total',
    help: 'Deliveries to ZITADEL by tenant and outcome.',
    labelNames: ['tenant', 'outcome'],
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: ['tenant'], registers });
  const rows = gauge('scim_bridge_rows', 'Users the bridge shows.');
  const owed = gauge('scim_bridge_owed_rows', 'Users with changes that are not settled in ZITADEL.');
  const doubt = gauge('scim_bridge_doubt_rows', 'Users with a call to ZITADEL whose outcome is not known.');
  const seen = gauge('scim_bridge_sync_seen', 'Users seen by the sync that runs, or by the last one.');
  const finished = gauge('scim_bridge_sync_finished_timestamp_seconds', 'When the last sync finished.');

  return {
    request(method, route, status, ms) {
      requests.observe({ method: METHODS.has(method) ? method : 'other', route, status: String(status) }, ms / 1000);
    },
    call(call, outcome, ms) {
      calls.observe({ call, outcome }, ms / 1000);
    },
    delivery(tenant, outcome) {
      deliveries.inc({ tenant, outcome });
    },
    sync(progress) {
      seen.set({ tenant: progress.tenant }, progress.seen);
      if (progress.finished !== undefined) finished.set({ tenant: progress.tenant }, progress.finished / 1000);
    },
    async scrape() {
      for (const one of await counts()) {
        rows.set({ tenant: one.tenant }, one.rows);
        owed.set({ tenant: one.tenant }, one.owed);
        doubt.set({ tenant: one.tenant }, one.doubt);
      }
      return { type: register.contentType, body: await register.metrics() };
    },
  };
}
