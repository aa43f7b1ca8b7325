/** The admin socket: operators' commands over HTTP on DATA_DIR/admin.sock, for users who can open that file. */
import { lstat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { BridgeError } from '../errors.ts';
import { checkArguments } from './arguments.ts';
import type { Desk } from './desk.ts';
import { type Answer, exitOf, type Verb } from './verb.ts';
import { VERBS } from './verbs.ts';

export interface AdminSocketOptions {
  /** see socket-path.ts */
  readonly path: string;
  readonly desk: Desk;
  /** a command failed with an unexpected error */
  readonly onError: (error: unknown) => void;
}

export interface AdminSocket {
  /** Starts nothing more, stops running commands, and removes the file. */
  stop(): Promise<void>;
}

/** One line of an answer: any number of `progress`, then one answer or one error. */
export type Line =
  | { readonly progress: string }
  | Answer
  /** `error`: what is wrong and what to do */
  | { readonly error: string; readonly exit: 1 | 2 };

const MOST_BODY = 65_536;

/**
 * Listens. POST /queue/list, /doctor, ... with the arguments as a JSON object; the response has one JSON value a line,
 * the last one is the answer. Throws Error when the path is another kind of file, or another bridge answers there.
 */
export async function createAdminSocket({ path, desk, onError }: AdminSocketOptions): Promise<AdminSocket> {
  const ending = new AbortController();
  const server = createServer((request, response) => {
    const left = new AbortController();
    response.once('close', () => left.abort());
    const signal = AbortSignal.any([left.signal, ending.signal]);
    serve(request, response, desk, signal).catch((error: unknown) => {
      if (!(error instanceof BridgeError) && !ending.signal.aborted) onError(error);
      refuse(response, error);
    });
  });
  await removeStale(path);
  await listen(server, path);
  return {
    async stop() {
      ending.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  desk: Desk,
  signal: AbortSignal,
): Promise<void> {
  const verb = verbAt(request.url ?? '');
  if (verb === undefined) throw new BridgeError(404, 'there is no such command');
  if (request.method !== 'POST')
    throw new BridgeError(405, 'commands are sent by POST', { headers: { Allow: 'POST' } });
  const args = checkArguments(verb, await bodyOf(request));
  const write = (line: Line): void | Promise<void> => {
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    if (!response.write(`${JSON.stringify(line)}\n`)) return drained(response);
  };
  await write(await verb.run(desk, args, { progress: (progress) => write({ progress }), signal }));
  response.end();
}

/** Waits for a client that reads more slowly than the command writes, unless it has hung up. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.once('drain', done).once('close', done);
  });
}

/** `/queue/list` is `queue list` */
const verbAt = (url: string): Verb | undefined => VERBS.find(({ name }) => url === `/${name.replaceAll(' ', '/')}`);

/** The status tells the kind of error, unless a progress line was already sent. */
function refuse(response: ServerResponse, error: unknown): void {
  const reported = error instanceof BridgeError ? error : new BridgeError(500, 'it failed unexpectedly: see the log');
  const line: Line = { error: reported.message, exit: exitOf(reported.status) };
  if (!response.headersSent)
    response.writeHead(reported.status, { 'Content-Type': 'application/x-ndjson', ...reported.headers });
  response.end(`${JSON.stringify(line)}\n`);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MOST_BODY) chunks.push(chunk); // the rest is read and discarded, so that the answer arrives
  }
  if (length > MOST_BODY) throw new BridgeError(413, 'the arguments are too long');
  const text = Buffer.concat(chunks).toString();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new BridgeError(400, 'the arguments are not JSON');
  }
}

/** The file is created with mode 0600: other users cannot open it, not even between creation and a later chmod. */
async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(0o177);
    try {
      server.listen(path, resolve); // binds at once; only the callback comes later
    } finally {
      process.umask(before);
    }
  });
}

/** A killed process leaves its socket behind. The store's lock guarantees that no other bridge runs on this folder. */
async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is not a socket: move it away, the bridge needs that name`);
  if (await answers(path)) throw new Error(`another process answers at ${path}: stop it, or use another DATA_DIR`);
  await unlink(path);
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
