/** Prometheus metrics. Other modules get functions to report with; names and labels are only here. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Counts } from '../bridge/ports/store.ts';
import { CONDITION_NAMES, CONDITIONS, snakeOf } from '../store/conditions.ts';

/** The label for each kind of unavailability. */
const UNAVAILABLE = { unreachable: 'unreachable', rateLimited: 'rate_limited', suspended: 'suspended' } as const;

/** The state of one tenant. Times in milliseconds since 1970. */
export interface TenantMetrics {
  readonly tenant: string;
  readonly counts: Counts;
  /** when the oldest pending change was requested */
  readonly oldestPending?: number | undefined;
  /** why nothing is delivered now */
  readonly unavailable?: { readonly kind: keyof typeof UNAVAILABLE } | undefined;
  /** why the store cannot be written */
  readonly storeFailing?: string | undefined;
  readonly sync?: { readonly running: boolean; readonly finished: number | null };
}

/** A sync that is running or has finished. */
export interface SyncProgress {
  readonly tenant: string;
  /** users read so far */
  readonly seen: number;
  /** of them, users that were new or had changed */
  readonly changed?: number | undefined;
  /** milliseconds since 1970 when it finished; absent while it runs */
  readonly finished?: number | undefined;
}

export interface Metrics {
  /** One answered request. `route` is the pattern (`/Users/:id`), `ms` the time until the answer was sent. */
  request(method: string, route: string, status: number, ms: number): void;
  /** A request named an attribute that no schema has. The first 100 names are counted separately. */
  ignored(attribute: string): void;
  /** One call to ZITADEL. `outcome` is ok, or the id (else the code) of the error. */
  call(call: string, outcome: string, ms: number): void;
  /** One delivery ended this way. */
  delivery(tenant: string, outcome: string): void;
  sync(progress: SyncProgress): void;
  /** The circuit breaker of the ZITADEL at this address opened or closed. */
  breaker(instance: string, open: boolean): void;
  /** The text that Prometheus reads, with its media type. */
  scrape(): Promise<{ readonly type: string; readonly body: string }>;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The error table and the codes of gRPC are about 90. A server that invents ids must not create unlimited series. */
const MOST_OUTCOMES = 200;

/** The first outcomes that look like codes; `other` for the rest. */
function createOutcomes(): (outcome: string) => string {
  const seen = new Set<string>();
  return (outcome) => {
    if (seen.has(outcome)) return outcome;
    if (seen.size >= MOST_OUTCOMES || !/^[A-Za-z][\w-]{1,39}$/.test(outcome)) return 'other';
    seen.add(outcome);
    return outcome;
  };
}

/** Seconds: from local reads to the longest wait. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];

/** Maximum number of ignored attribute names: clients choose them. */
const MOST_ATTRIBUTES = 100;

/** `states` is called at each scrape; while it fails, the gauges derived from it are left out. */
export function createMetrics(
  states: () => Promise<readonly TenantMetrics[]>,
  clock: () => number = Date.now,
): Metrics {
  const register = new Registry();
  const registers = [register];
  const outcomeOf = createOutcomes();
  collectDefaultMetrics({ register });

  const requests = new Histogram({
    name: 'scim_bridge_request_seconds',
    help: 'SCIM requests by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const ignored = new Counter({
    name: 'scim_bridge_ignored_attributes_total',
    help: 'Requests that named an attribute of no schema, by name; beyond 100 names: other.',
    labelNames: ['attribute'],
    registers,
  });
  const ignoredNames = new Set<string>();
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
  const gauge = (name: string, help: string, ...labels: string[]) =>
    new Gauge({ name, help, labelNames: ['tenant', ...labels], registers });
  const rows = gauge('scim_bridge_rows', 'Users that SCIM clients see.');
  const conditions = CONDITION_NAMES.map((name) => {
    const help = `Users and groups ${CONDITIONS[name].description}.`;
    return [name, gauge(`scim_bridge_${snakeOf(name)}_rows`, help)] as const;
  });
  const oldest = gauge('scim_bridge_pending_oldest_seconds', 'Age of the oldest pending change; 0 without any.');
  const unavailable = gauge('scim_bridge_unavailable', '1 while nothing can be delivered to ZITADEL, by kind.', 'kind');
  const running = gauge('scim_bridge_sync_running', '1 while a sync is running.');
  const age = gauge('scim_bridge_sync_age_seconds', 'Time since the last sync finished; absent before the first.');
  const asked = [rows, ...conditions.map(([, each]) => each), oldest, unavailable, running, age];
  const seen = gauge('scim_bridge_sync_seen', 'Users read by the running sync, or by the last one.');
  const changed = gauge('scim_bridge_sync_changed', 'Of these, users that were new or had changed.');
  const finished = gauge('scim_bridge_sync_finished_timestamp_seconds', 'When the last sync finished.');
  const failing = new Gauge({
    name: 'scim_bridge_store_failing',
    help: '1 while the store cannot be read or written.',
    registers,
  });
  const breakers = new Gauge({
    name: 'scim_bridge_breaker_open',
    help: '1 while the circuit breaker of the ZITADEL at this address is open.',
    labelNames: ['instance'],
    registers,
  });

  function tell(one: TenantMetrics, now: number): void {
    const { tenant } = one;
    rows.set({ tenant }, one.counts.rows);
    for (const [name, each] of conditions) each.set({ tenant }, one.counts[name]);
    oldest.set({ tenant }, one.oldestPending === undefined ? 0 : Math.max(0, now - one.oldestPending) / 1000);
    for (const [kind, label] of Object.entries(UNAVAILABLE))
      unavailable.set({ tenant, kind: label }, one.unavailable?.kind === kind ? 1 : 0);
    running.set({ tenant }, one.sync?.running === true ? 1 : 0);
    const last = one.sync?.finished ?? null;
    if (last !== null) age.set({ tenant }, Math.max(0, now - last) / 1000);
  }

  return {
    request(method, route, status, ms) {
      requests.observe({ method: METHODS.has(method) ? method : 'other', route, status: String(status) }, ms / 1000);
    },
    ignored(attribute) {
      if (ignoredNames.size < MOST_ATTRIBUTES) ignoredNames.add(attribute);
      ignored.inc({ attribute: ignoredNames.has(attribute) ? attribute : 'other' });
    },
    call(call, outcome, ms) {
      calls.observe({ call, outcome: outcomeOf(outcome) }, ms / 1000);
    },
    delivery(tenant, outcome) {
      deliveries.inc({ tenant, outcome });
    },
    sync(progress) {
      seen.set({ tenant: progress.tenant }, progress.seen);
      if (progress.changed !== undefined) changed.set({ tenant: progress.tenant }, progress.changed);
      if (progress.finished !== undefined) finished.set({ tenant: progress.tenant }, progress.finished / 1000);
    },
    breaker(instance, open) {
      breakers.set({ instance }, open ? 1 : 0);
    },
    async scrape() {
      const told = await states().catch(() => undefined);
      // stale values would look current
      for (const each of asked) each.reset();
      for (const one of told ?? []) tell(one, clock());
      failing.set(told === undefined || told.some((each) => each.storeFailing !== undefined) ? 1 : 0);
      return { type: register.contentType, body: await register.metrics() };
    },
  };
}
