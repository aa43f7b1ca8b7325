/** A SCIM client that costs as little as can be: one HTTP/1.1 connection, one request in flight, Content-Length only. */
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Connection {
  /** Throws when the status is not `expected`; null: any will do. */
  send(method: string, path: string, expected: number | null, body?: unknown): Promise<Answer>;
  close(): void;
}

const HEAD_END = '\r\n\r\n';

/** @param base URL that the paths hang under; http only */
export function createConnection(base: string, headers: Readonly<Record<string, string>> = {}): Connection {
  const { hostname, port, pathname } = new URL(base);
  const prefix = pathname === '/' ? '' : pathname;
  const fixed = Object.entries({ host: `${hostname}:${port}`, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  let socket: Socket | undefined;
  let waiting: PromiseWithResolvers<Answer> | undefined;
  let received: Buffer = Buffer.alloc(0);

  function open(): Socket {
    const opened = connect(Number(port), hostname).setNoDelay(true);
    const end = (error: Error): void => {
      if (socket === opened) socket = undefined;
      waiting?.reject(error);
      waiting = undefined;
    };
    opened.on('data', take);
    opened.on('error', end);
    opened.on('close', () => end(new Error(`${base}: connection closed`)));
    return opened;
  }

  function take(chunk: Buffer): void {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = received.toString('latin1', 0, headEnd);
    const from = headEnd + HEAD_END.length;
    const to = from + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (received.length < to) return;
    const answer = { status: Number(head.slice(9, 12)), text: received.toString('utf8', from, to) };
    received = Buffer.alloc(0);
    const { resolve } = waiting ?? Promise.withResolvers<Answer>();
    waiting = undefined;
    resolve(answer);
  }

  return {
    async send(method, path, expected, body) {
      const text = body === undefined ? '' : JSON.stringify(body);
      const content =
        text === '' ? '' : `content-type: application/scim+json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n`;
      socket ??= open();
      waiting = Promise.withResolvers<Answer>();
      socket.write(`${method} ${prefix}${path} HTTP/1.1\r\n${fixed}${content}\r\n${text}`);
      const answer = await waiting.promise;
      if (expected !== null && answer.status !== expected)
        throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      return answer;
    },
    close: () => socket?.destroy(),
  };
}
