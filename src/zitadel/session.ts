/**
 * The HTTP/2 session to one ZITADEL, replaced when it falls silent. A route lost without a reset leaves a session that
 * looks open for many minutes. The pings of connect-node do not help: closing a stream at our own deadline clears their
 * timer (connect-node 2.2), and every later call waits for that ping.
 */
import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import { Http2SessionManager } from '@connectrpc/connect-node';

/** What connect-node's transports need from a session. */
export interface Session {
  readonly authority: string;
  request(method: string, path: string, headers: OutgoingHttpHeaders, options: object): Promise<ClientHttp2Stream>;
  notifyResponseByteRead(stream: ClientHttp2Stream): void;
  /** A call begun then (performance.now) timed out: if nothing was read since, new calls use a new session. */
  silentSince(begun: number): void;
  close(): void;
}

/** Calls on a replaced session may still succeed: it is kept for longer than the longest of them, in ms. */
const LINGER = 20_000;

export function createSession(url: string, linger: number = LINGER): Session {
  let current = new Http2SessionManager(url);
  /** when anything was last read, and when `current` was made (performance.now) */
  let heard = 0;
  let made = 0;
  const replaced = new Map<Http2SessionManager, NodeJS.Timeout>();

  function retire(old: Http2SessionManager): void {
    const timer = setTimeout(() => {
      replaced.delete(old);
      old.abort();
    }, linger);
    timer.unref();
    replaced.set(old, timer);
  }

  return {
    authority: current.authority,
    request: (method, path, headers, options) => current.request(method, path, headers, options),
    notifyResponseByteRead(stream) {
      heard = performance.now();
      current.notifyResponseByteRead(stream);
      for (const old of replaced.keys()) old.notifyResponseByteRead(stream);
    },
    silentSince(begun) {
      if (heard > begun || made > begun) return;
      retire(current);
      current = new Http2SessionManager(url);
      made = performance.now();
    },
    close() {
      for (const [old, timer] of replaced) {
        clearTimeout(timer);
        old.abort();
      }
      replaced.clear();
      current.abort();
    },
  };
}
