/** What all tenants of one ZITADEL share: one HTTP/2 session, one bulkhead, and what is known of the server. */
import { type Bulkhead, createBulkhead } from './bulkhead.ts';
import { createServices, type Services } from './services.ts';
import { createSession, type Session } from './session.ts';
import { connectTransport } from './transport.ts';

export interface Connection {
  /** without slash at the end */
  readonly url: string;
  readonly session: Session;
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

export function createConnection({ url: given, maxInFlight }: ConnectionOptions): Connection {
  const url = given.replace(/\/+$/, '');
  const session = createSession(url);
  return {
    url,
    session,
    bulkhead: createBulkhead(maxInFlight),
    services: createServices((rewrite) => connectTransport(url, session, rewrite)),
    close: () => session.close(),
  };
}
