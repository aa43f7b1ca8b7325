/** Reading a request body: one JSON object of bounded size that can do no harm, or a 4xx that says where it is wrong. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { BridgeError } from '../../errors.ts';
import { checkBodyType } from './media-type.ts';
import { invalid, invalidSyntax } from './refusals.ts';

/** A JSON object as a client sent it: attribute names in any case, values of any type. */
export type Json = Readonly<Record<string, unknown>>;

/** Largest body in MB: a user is small, a group may name 20,000 members. */
export type BodyLimit = 1 | 5;
const MAX_DEPTH = 50;
/** Deeper than this it is not even parsed: a megabyte of brackets would cost a tenth of a second. */
const MAX_PARSED_DEPTH = 500;
/** Far more than any schema has. */
const MAX_MEMBERS = 1000;

/** Names that reach a prototype in careless code. No schema has them, so refusing them affects no client. */
const DANGEROUS = new Set(['__proto__', 'constructor', 'prototype']);

const [QUOTE, BACKSLASH, BRACKET, BRACKET_END, BRACE, BRACE_END] = [...'"\\[]{}'].map((character) =>
  character.charCodeAt(0),
);

const reader = (limit: BodyLimit): RequestHandler => express.raw({ type: () => true, limit: limit * 1024 * 1024 });
const READERS: Readonly<Record<BodyLimit, RequestHandler>> = { 1: reader(1), 5: reader(5) };
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The most bytes that the body of a request takes once it is read: what its head says, or the limit where that is not said or more comes
 * out of it than goes in. The body itself is not touched.
 */
export function bodyBytes({ method, headers }: Request, limit: BodyLimit): number {
  const most = limit * 1024 * 1024;
  if (method === 'GET' || method === 'HEAD' || method === 'DELETE') return 0;
  if (headers['transfer-encoding'] !== undefined || headers['content-encoding'] !== undefined) return most;
  return Math.min(most, Number(headers['content-length'] ?? 0));
}

/** The body as a JSON object. Throws 400 invalidSyntax or invalidValue, 413 or 415. */
export async function readBody(req: Request, res: Response, limit: BodyLimit): Promise<Json> {
  checkBodyType(req.headers);
  const bytes = await new Promise<unknown>((resolve, reject) => {
    const read = READERS[limit];
    void read(req, res, (error?: unknown) =>
      error === undefined ? resolve(req.body) : reject(unreadable(error, limit)),
    );
  });
  return parseBody(bytes instanceof Uint8Array ? bytes : new Uint8Array());
}

/** express.raw says what happened by the status of its error; its text is its own and not for clients. */
function unreadable(error: unknown, limit: BodyLimit): BridgeError {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (status === 413) return new BridgeError(413, `the body is larger than ${limit} MB: send less in one request`);
  if (status === 415)
    return new BridgeError(415, 'this Content-Encoding is not supported: send the body as it is or with gzip');
  return invalidSyntax('the body did not arrive whole');
}

export function parseBody(bytes: Uint8Array): Json {
  if (isBottomless(bytes)) throw invalidSyntax(`the body is nested deeper than ${MAX_DEPTH} levels`);
  if (bytes.length === 0) throw invalidSyntax('the body is empty where a JSON object is expected');
  const value = parse(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidSyntax('the body must be a JSON object');
  vet(value, []);
  return value as Json;
}

/**
 * The object or list of a text that is JSON; undefined for any other text. It is as harmless as a body. Throws 400 invalidSyntax or
 * invalidValue that names `where`.
 */
export function parseText(text: string, where: string): Json | readonly unknown[] | undefined {
  const [first] = text.trimStart();
  if (first !== '{' && first !== '[') return undefined;
  if (isBottomless(Buffer.from(text))) throw invalidSyntax(`${where} is nested deeper than ${MAX_DEPTH} levels`);
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
  vet(value, [], where);
  return value as Json | readonly unknown[];
}

function parse(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw invalidSyntax('the body is not UTF-8');
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // the engine's own message quotes the body, which may hold a password
    const position = error instanceof SyntaxError ? /position \d+/.exec(error.message)?.[0] : undefined;
    throw invalidSyntax(`the body is not JSON${position === undefined ? '' : `, at ${position}`}`);
  }
}

/** Refuses what no attribute can hold: NUL and half characters (ZITADEL stores neither), names of prototypes, nesting without end. */
function vet(value: unknown, path: string[], at?: string): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw invalid(`${at ?? named(path)} holds a NUL character`);
    if (!value.isWellFormed())
      throw invalid(`${at ?? named(path)} holds half of a surrogate pair, which is no Unicode text`);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (path.length >= MAX_DEPTH)
    throw invalidSyntax(`the body is nested deeper than ${MAX_DEPTH} levels, at ${named(path.slice(0, 3))}`);
  const keys = Object.keys(value);
  const inside = at ?? operationPath(value, path);
  if (keys.length > MAX_MEMBERS && !Array.isArray(value))
    throw invalidSyntax(`${named(path)} holds more than ${MAX_MEMBERS} attributes`);
  for (const key of keys) {
    if (DANGEROUS.has(key)) throw invalidSyntax(`there is no attribute ${named([...path, key])}`);
    path.push(key);
    vet((value as Json)[key], path, inside);
    path.pop();
  }
}

/** The attribute that a PATCH operation names: clearer in an error message than its position in the body. */
function operationPath(value: object, path: readonly string[]): string | undefined {
  const named =
    path.length === 2 && path[0]?.toLowerCase() === 'operations' && 'path' in value ? value.path : undefined;
  return typeof named === 'string' && /^[\w.:$-]{1,120}$/.test(named) ? JSON.stringify(named) : undefined;
}

/** Counts brackets outside of strings. */
function isBottomless(bytes: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === BRACKET || byte === BRACE) depth += 1;
    else if (byte === BRACKET_END || byte === BRACE_END) depth -= 1;
    if (depth > MAX_PARSED_DEPTH) return true;
  }
  return false;
}

/** `Operations.0.value` and the like, short enough for a log line. */
function named(path: readonly string[]): string {
  return path.length === 0 ? 'the body' : JSON.stringify(path.join('.').slice(0, 120));
}
