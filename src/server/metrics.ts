/** Prometheus metrics. Rooms get functions to report by; names and labels stand here only. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How one tenant does. Times in milliseconds since 1970. */
export interface TenantCounts {
  readonly tenant: string;
  /** users shown */
  readonly rows: number;
  /** users with changes that are not settled */
  readonly owed: number;
  /** users with a call whose outcome is not known */
  readonly doubt: number;
  /** users with a change that ZITADEL refused for good */
  readonly dead?: number;
  /** users with a change from before a long sleep */
  readonly held?: number;
  /** users that the token may not change */
  readonly blocked?: number;
  readonly hidden?: number;
  /** when the oldest owed change was asked */
  readonly oldestOwed?: number | undefined;
  /** why nothing is delivered now */
  readonly shut?: Shut | undefined;
  /** why the store can not be written */
  readonly storeFailing?: string | undefined;
  readonly sync?: { readonly running: boolean; readonly finished: number | null };
}

type Shut = 'away' | 'limited' | 'blocked';
const SHUT: readonly Shut[] = ['away', 'limited', 'blocked'];

/** A sync that runs or has finished. */
export interface SyncProgress {
  readonly tenant: string;
  /** users seen so far */
  readonly seen: number;
  /** of them, users that were new or had changed */
  readonly changed?: number | undefined;
  /** milliseconds since 1970 when it finished; absent while it runs */
  readonly finished?: number | undefined;
}

export interface Metrics {
  /** One answered request. `route` is the pattern (`/Users/:id`), `ms` the time until the answer had left. */
  request(method: string, route: string, status: number, ms: number): void;
  /** A request named an attribute that no schema has. The first 100 names are told apart. */
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

/** The error table and the codes of gRPC are about 90. A server that makes up ids must not make up series. */
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

/** Seconds: from answers out of the view to the longest wait. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];

/** Most names of ignored attributes: clients choose them. */
const MOST_ATTRIBUTES = 100;

/** `counts` is asked at each scrape; while it fails, what it would tell is left out. */
export function createMetrics(counts: () => Promise<readonly TenantCounts[]>, clock: () => number = Date.now): Metrics {
  const register = new Registry();
  const registers = [register];
  const confirmed = createOutcomes();
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
    help: 'Requests that named an attribute that no schema has, by its name; those beyond 100 names are other.',
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
  const rows = gauge('scim_bridge_rows', 'Users the bridge shows.');
  const owed = gauge('scim_bridge_owed_rows', 'Users with changes that are not settled in ZITADEL.');
  const oldest = gauge('scim_bridge_owed_oldest_seconds', 'Since when the oldest owed change waits; 0 when none does.');
  const doubt = gauge('scim_bridge_doubt_rows', 'Users with a call to ZITADEL whose outcome is not known.');
  const dead = gauge('scim_bridge_dead_rows', 'Users with a change that ZITADEL refused for good.');
  const held = gauge('scim_bridge_held_rows', 'Users with a change from before a long sleep; an operator decides.');
  const blocked = gauge('scim_bridge_blocked_rows', 'Users that the token may not change.');
  const hidden = gauge(
    'scim_bridge_hidden_rows',
    'Users that the reads of ZITADEL have lost; an operator repairs them.',
  );
  const shut = gauge('scim_bridge_deliveries_shut', '1 while nothing is delivered, by reason.', 'kind');
  const running = gauge('scim_bridge_sync_running', '1 while a sync runs.');
  const age = gauge('scim_bridge_sync_age_seconds', 'Since when the last sync has finished; absent before the first.');
  const asked = [rows, owed, oldest, doubt, dead, held, blocked, hidden, shut, running, age];
  const seen = gauge('scim_bridge_sync_seen', 'Users seen by the sync that runs, or by the last one.');
  const changed = gauge('scim_bridge_sync_changed', 'Of them, users that were new or had changed.');
  const finished = gauge('scim_bridge_sync_finished_timestamp_seconds', 'When the last sync finished.');
  const failing = new Gauge({
    name: 'scim_bridge_store_failing',
    help: '1 while the store cannot be read or written.',
    registers,
  });
  const breakers = new Gauge({
    name: 'scim_bridge_breaker_open',
    help: '1 while no call is sent to the ZITADEL at this address.',
    labelNames: ['instance'],
    registers,
  });

  function tell(one: TenantCounts, now: number): void {
    const { tenant } = one;
    rows.set({ tenant }, one.rows);
    owed.set({ tenant }, one.owed);
    oldest.set({ tenant }, one.oldestOwed === undefined ? 0 : Math.max(0, now - one.oldestOwed) / 1000);
    doubt.set({ tenant }, one.doubt);
    dead.set({ tenant }, one.dead ?? 0);
    held.set({ tenant }, one.held ?? 0);
    blocked.set({ tenant }, one.blocked ?? 0);
    hidden.set({ tenant }, one.hidden ?? 0);
    for (const kind of SHUT) shut.set({ tenant, kind }, one.shut === kind ? 1 : 0);
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
      calls.observe({ call, outcome: confirmed(outcome) }, ms / 1000);
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
      const told = await counts().catch(() => undefined);
      // old figures would look like good ones
      for (const each of asked) each.reset();
      for (const one of told ?? []) tell(one, clock());
      failing.set(told === undefined || told.some((each) => each.storeFailing !== undefined) ? 1 : 0);
      return { type: register.contentType, body: await register.metrics() };
    },
  };
}
