import { setTimeout as sleep } from 'node:timers/promises';
import { Code } from '@connectrpc/connect';
import { control } from './control.ts';
import type { Control } from './control.ts';
import { wireOf } from './connections.ts';
import type { Request, Response } from './connections.ts';
import { instanceMissing } from './errors.ts';
import { bodyOf, isGrpc, reply, replyGrpc } from './http.ts';
import type { TokenAnswer, TokenRequest } from './tokens.ts';

export interface RoutesOptions extends Control {
  readonly externalDomain: string | undefined;
  readonly token: (request: TokenRequest) => Promise<TokenAnswer>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The services: Connect, gRPC and gRPC-Web. */
  readonly rpc: (request: Request, response: Response) => void;
}

/** Everything the port answers, by path. */
export function createRoutes(options: RoutesOptions): (request: Request, response: Response) => void {
  const { faults, externalDomain, rpc, token, now } = options;

  async function sandbox(request: Request, response: Response, url: URL): Promise<void> {
    const text = await bodyOf(request);
    try {
      const body = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
      const parts = url.pathname.split('/').slice(2).map(decodeURIComponent);
      const { method = 'GET', socket } = request;
      const told = await control(options, { method, parts, query: url.searchParams, body, socket });
      reply(response, told.status, told.body);
    } catch (reason) {
      reply(response, 400, { error: String(reason) });
    }
  }

  async function oauth(request: Request, response: Response, issuer: string): Promise<void> {
    const form = new URLSearchParams(await bodyOf(request));
    const fate = faults.next('oauth', 'token');
    if (fate.delay > 0) await sleep(fate.delay);
    if (fate.end === 'drop') return wireOf(request, response).cut();
    if (fate.end === 'hang') return;
    if (fate.status || fate.error) {
      return wireOf(request, response).refuse(fate.status ?? 503, fate.retryAfter);
    }
    const { authorization } = request.headers;
    const { status, body } = await token({ form, authorization, issuer });
    reply(response, status, body);
  }

  return (request, response) => {
    const host = String(request.headers.host ?? request.headers[':authority'] ?? 'localhost');
    const issuer = `http://${host}`;
    const url = new URL(request.url ?? '/', issuer);
    const { pathname } = url;
    if (pathname.startsWith('/sandbox/')) return void sandbox(request, response, url);
    if (faults.isDown()) return void request.socket.destroy();
    response.setHeader('date', new Date(now()).toUTCString());
    const refused = hostComplaint(request, host, externalDomain);
    if (refused && !pathname.startsWith('/debug/')) {
      if (isGrpc(request)) return replyGrpc(response, Code.NotFound, refused);
      return reply(response, 404, { code: 'not_found', message: refused });
    }
    switch (pathname) {
      case '/debug/healthz':
      case '/debug/ready':
      case '/debug/validate':
        return reply(response, 200, 'ok');
      case '/auth/v1/healthz':
      case '/management/v1/healthz':
      case '/admin/v1/healthz':
        return reply(response, 200, {});
      case '/oauth/v2/token':
        return void oauth(request, response, issuer);
      case '/.well-known/openid-configuration':
        return reply(response, 200, { issuer, token_endpoint: `${issuer}/oauth/v2/token` });
      default:
        return rpc(request, response);
    }
  };
}

/** The instance is chosen by host name, port ignored, or by x-zitadel-instance-host. */
function hostComplaint(request: Request, host: string, domain: string | undefined): string | null {
  if (!domain) return null;
  const named = request.headers['x-zitadel-instance-host'];
  const asked = (typeof named === 'string' ? named : host).replace(/:\d+$/, '');
  if (asked === domain) return null;
  return instanceMissing(host, domain, asked);
}
