/** What all tenants of one ZITADEL share: one HTTP/2 session, one bulkhead, and what is known of the server. */
import { Http2SessionManager } from '@connectrpc/connect-node';
import { type Bulkhead, createBulkhead } from './bulkhead.ts';
import { createServices, type Services } from './services.ts';
import { connectTransport } from './transport.ts';

export interface Connection {
  /** without slash at the end */
  readonly url: string;
  readonly session: Http2SessionManager;
  readonly bulkhead: Bulkhead;
  readonly services: Services;
  /** Ends the session; calls under way fail. */
  close(): void;
}

export interface ConnectionOptions {
  readonly url: string;
  /** calls at once in this process */
  readonly maxInFlight: number;
}

/** A session that answers no ping is dead: without this a lost route would cost every call its whole deadline. */
const PING = { pingIntervalMs: 10_000, pingTimeoutMs: 4_000 };

export function createConnection({ url: given, maxInFlight }: ConnectionOptions): Connection {
  const url = given.replace(/\/+$/, '');
  const session = new Http2SessionManager(url, PING);
  return {
    url,
    session,
    bulkhead: createBulkhead(maxInFlight),
    services: createServices((rewrite) => connectTransport(url, session, rewrite)),
    close: () => session.abort(),
  };
}
