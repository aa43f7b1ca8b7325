import type { IncomingMessage, ServerResponse } from 'node:http';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createContextKey } from '@connectrpc/connect';

export type Request = IncomingMessage | http2.Http2ServerRequest;
export type Response = ServerResponse | http2.Http2ServerResponse;

/** The connection under a call. */
export interface Wire {
  /** Destroys it, without an answer. */
  cut(): void;
  /** Answers as a proxy in front of ZITADEL would: a status and a text. */
  refuse(status: number, retryAfter: number | undefined): void;
}

export const wireKey = createContextKey<Wire | undefined>(undefined, { description: 'wire' });

export interface Listener {
  readonly port: number;
  /** Destroys every connection but this one. */
  cutAll(keep?: Socket): void;
  close(): Promise<void>;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0');
/** As ZITADEL announces it. */
const STREAMS = 250;

/**
 * Serves HTTP/1.1 and h2c on one port: the first bytes tell which, and the socket goes to that server.
 * admits: whether a connection that starts with these bytes may stay; others are reset.
 */
export async function listen(
  { host, port }: { readonly host: string; readonly port: number },
  handle: (request: Request, response: Response) => void,
  admits: (first: Buffer) => boolean,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const one = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, handle);
  const two = http2.createServer({ settings: { maxConcurrentStreams: STREAMS } }, handle);
  const door = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let first: Buffer = Buffer.alloc(0);
    const look = (chunk: Buffer): void => {
      first = first.length > 0 ? Buffer.concat([first, chunk]) : chunk;
      const length = Math.min(first.length, PREFACE.length);
      const maybe = first.subarray(0, length).equals(PREFACE.subarray(0, length));
      if (maybe && length < PREFACE.length) return;
      socket.off('data', look);
      socket.pause();
      if (!admits(first)) return void socket.resetAndDestroy();
      socket.unshift(first);
      (maybe ? two : one).emit('connection', socket);
      if (!maybe) socket.resume();
    };
    socket.on('data', look);
  });
  two.on('sessionError', () => {});
  await new Promise<void>((resolve, reject) => {
    door.once('error', reject);
    door.listen(port, host, resolve);
  });
  return {
    port: (door.address() as AddressInfo).port,
    cutAll(keep) {
      for (const socket of sockets) if (socket !== keep) socket.resetAndDestroy();
    },
    close() {
      const closed = new Promise<void>((resolve) => door.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}

export function wireOf(request: Request, response: Response): Wire {
  return {
    cut() {
      if ('stream' in request) request.stream.session?.destroy();
      else request.socket.resetAndDestroy();
    },
    refuse(status, retryAfter) {
      response.statusCode = status;
      response.setHeader('content-type', 'text/plain');
      if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
      (response as ServerResponse).end(`${http.STATUS_CODES[status] ?? 'error'}\n`);
    },
  };
}
