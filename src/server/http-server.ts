/** The HTTP server around the app: limits, and SCIM errors for requests that never reach it. */
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { Duplex } from 'node:stream';

/** Address and headers together, in bytes; longer filters come by POST /.search. A request without Host is answered like any other. */
const LIMITS = { maxHeaderSize: 16_384, requestTimeout: 60_000, requireHostHeader: false };

export function createServer(app: RequestListener, tls?: { readonly cert: string; readonly key: string }): Server {
  const listen: RequestListener = (request, response) => {
    request.url = pathOf(request.url ?? '/');
    app(request, response);
  };
  const server = tls === undefined ? createHttp(LIMITS, listen) : createHttps({ ...LIMITS, ...tls }, listen);
  server.on('checkExpectation', (request, response) => {
    delete request.headers.expect; // whatever is expected, the answer is the usual one
    listen(request, response);
  });
  return server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket));
}

/** A proxy may send the whole URL as the target (RFC 9112 §3.2.2). */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target;
  const url = URL.parse(target);
  return url === null ? '/' : url.pathname + url.search;
}

/** Node cannot read the request: the answer is written by hand (RFC 7644 §3.12). */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLong ? '431 Request Header Fields Too Large' : late ? '408 Request Timeout' : '400 Bad Request';
  const detail = tooLong
    ? 'the address or the headers are too long: send long filters by POST /.search'
    : late
      ? 'the request did not arrive in time'
      : 'this is no HTTP request';
  const body = JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: status.slice(0, 3),
    detail,
  });
  const head = `Content-Type: application/scim+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`);
}
