/** Shared by all tenants of one ZITADEL: an HTTP/2 session, a bulkhead, a breaker, and facts about the server. */
import { type Breaker, type BreakerOptions, createBreaker } from './breaker.ts';
import { type Bulkhead, createBulkhead } from './bulkhead.ts';
import { createServices, type Services } from './services.ts';
import { createSession, type Session } from './session.ts';
import { connectTransport } from './transport.ts';

export interface Connection {
  /** without a trailing slash */
  readonly url: string;
  readonly session: Session;
  readonly bulkhead: Bulkhead;
  readonly breaker: Breaker;
  readonly services: Services;
  /** A queue that runs one call at a time, by purpose. Calls waiting in it occupy no slot. */
  alone(name: string): Pick<Bulkhead, 'run'>;
  /** Ends the session and the probes; running calls fail. */
  close(): void;
}

export interface ConnectionOptions {
  readonly url: string;
  /** one turn at a time across processes; undefined if it does not come within `ms`. Absent: one process */
  readonly turn?: <T>(name: string, ms: number, work: () => Promise<T>) => Promise<T | undefined>;
  /** calls at once in this process */
  readonly maxInFlight: number;
  readonly breaker?: BreakerOptions;
  /** how long a silent session is kept for the calls on it, in ms; default 20 s */
  readonly lingerMs?: number;
}

export function createConnection({
  url: given,
  turn,
  maxInFlight,
  breaker: judged,
  lingerMs,
}: ConnectionOptions): Connection {
  let url = given;
  while (url.endsWith('/')) url = url.slice(0, -1);
  const session = createSession(url, lingerMs);
  const bulkhead = createBulkhead(maxInFlight);
  const breaker = createBreaker(judged);
  const lanes = new Map<string, Bulkhead>();
  // calls waiting for a slot would only fail later
  breaker.onChange((open) => {
    if (open) for (const each of [bulkhead, ...lanes.values()]) each.dismiss();
  });
  return {
    url,
    session,
    bulkhead,
    breaker,
    services: createServices((rewrite) => connectTransport(url, session, rewrite)),
    alone(name) {
      const lane = lanes.get(name) ?? createBulkhead(1);
      lanes.set(name, lane);
      if (turn === undefined) return lane;
      return { run: (of, ms, work) => lane.run(of, ms, () => turn(name, ms, work)) };
    },
    close() {
      breaker.close();
      session.close();
    },
  };
}
