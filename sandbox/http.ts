import type { Response, Request } from './connections.ts';

/** Reads a whole request body. */
export async function bodyOf(request: Request): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Answers a gRPC call with a status (its number) and nothing else. */
export function replyGrpc(response: Response, status: number, message: string): void {
  response.setHeader('grpc-status', String(status));
  response.setHeader('grpc-message', encodeURIComponent(message).replaceAll('%20', ' '));
  reply(response, 200, '', GRPC);
}

export const isGrpc = (request: Request): boolean => request.headers['content-type']?.startsWith(GRPC) ?? false;

const GRPC = 'application/grpc';

/** Answers: an object as JSON, a text as it is. */
export function reply(response: Response, status: number, body: object | string, type?: string): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.statusCode = status;
  response.setHeader('content-type', type ?? (typeof body === 'string' ? 'text/plain' : 'application/json'));
  response.setHeader('cache-control', 'no-store');
  // http1 and http2 responses type end() differently and take the same text
  (response.end as (text: string) => unknown).call(response, text);
}
