/**
 * Plays what clients send. Each file test/idp/<client>/<shape>.json is one exchange: requests that set the scene, the request, what
 * must come back, and how the resource reads afterwards. It runs on any server that speaks SCIM: names differ from run to run.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { judge } from './judge.ts';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** what `{…}` stands for the id of the resource that this makes, e.g. `ada` for `{ada}` */
  readonly as?: string;
}

interface Expected {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** must be part of the answer: arrays element by element, `<string>`, `<integer>`, `<array>`, `<absent>` by kind, {"<in any order>": [...]} */
  readonly body?: unknown;
}

interface Exchange {
  /** the document that shows the shape */
  readonly source: string;
  readonly given?: readonly Sent[];
  readonly request: Sent;
  readonly response: Expected;
  readonly then?: Expected & { readonly path: string };
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** `client/shape` of every exchange, sorted. */
export function exchangeNames(): readonly string[] {
  return globSync('*/*.json', { cwd: import.meta.dirname })
    .map((file) => file.replace(/\.json$/, ''))
    .toSorted();
}

export function readExchange(name: string): Exchange {
  return JSON.parse(readFileSync(`${import.meta.dirname}/${name}.json`, 'utf8')) as Exchange;
}

/** Plays every exchange against a base URL (.../scim/v2); `each` may run them as tests of their own. */
export async function playExchanges(
  baseUrl: string,
  token: string,
  each: (name: string, play: () => Promise<void>) => Promise<void> = (_name, play) => play(),
): Promise<void> {
  for (const name of exchangeNames()) await each(name, () => playExchange(readExchange(name), baseUrl, token));
}

/** Plays one. `{run}` stands for a text of this run, `{base}` for the base URL, `{id}` for the id of the first resource that `given` makes without a word of its own. */
async function playExchange(exchange: Exchange, baseUrl: string, token: string): Promise<void> {
  const words: Record<string, string> = { run: randomUUID().slice(0, 8), base: baseUrl };
  const send = (sent: Sent): Promise<Answer> => exchangeOne(fill(sent, words), baseUrl, token);
  for (const sent of exchange.given ?? []) {
    const { status, body } = await send(sent);
    assert.ok(status < 300, `given ${sent.method} ${sent.path}: ${status} ${JSON.stringify(body)}`);
    words[sent.as ?? 'id'] ??= String((body as Readonly<Record<string, unknown>>)['id']);
  }
  check(await send(exchange.request), fill(exchange.response, words));
  if (exchange.then) check(await send({ method: 'GET', path: exchange.then.path }), fill(exchange.then, words));
}

async function exchangeOne({ method, path, headers, body }: Sent, baseUrl: string, token: string): Promise<Answer> {
  const answer = await fetch(baseUrl + path, {
    method,
    headers: {
      ...(body !== undefined && { 'Content-Type': 'application/scim+json' }),
      ...headers,
      Authorization: `Bearer ${token}`,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const received: unknown = text === '' ? undefined : JSON.parse(text);
  judge(answer.status, received);
  return { status: answer.status, headers: answer.headers, body: received };
}

function fill<T>(value: T, words: Readonly<Record<string, string>>): T {
  const text = JSON.stringify(value).replaceAll(/\{(\w+)\}/g, (all, word: string) => words[word] ?? all);
  return JSON.parse(text) as T;
}

function check(answer: Answer, expected: Expected): void {
  assert.equal(answer.status, expected.status, JSON.stringify(answer.body));
  for (const [name, value] of Object.entries(expected.headers ?? {})) assertPart(answer.headers.get(name), value, name);
  if (expected.body !== undefined) assertPart(answer.body, expected.body, 'body');
}

const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  '<absent>': (value) => value === undefined,
  '<string>': (value) => typeof value === 'string' && value !== '',
  '<integer>': Number.isInteger,
  '<array>': Array.isArray,
};

function assertPart(actual: unknown, expected: unknown, where: string): void {
  const kind = typeof expected === 'string' ? KINDS[expected] : undefined;
  if (kind) assert.ok(kind(actual), `${where} should be ${String(expected)}, is ${JSON.stringify(actual)}`);
  else if (typeof expected !== 'object' || expected === null) assert.deepEqual(actual, expected, where);
  else {
    assert.ok(typeof actual === 'object' && actual !== null, `${where} is ${JSON.stringify(actual)}`);
    if ('<in any order>' in expected) {
      assertElements(actual, expected['<in any order>'] as readonly unknown[], where);
      return;
    }
    if (Array.isArray(expected))
      assert.equal((actual as readonly unknown[]).length, expected.length, `${where}: ${JSON.stringify(actual)}`);
    for (const [name, value] of Object.entries(expected))
      assertPart((actual as Readonly<Record<string, unknown>>)[name], value, `${where}.${name}`);
  }
}

function assertElements(actual: unknown, expected: readonly unknown[], where: string): void {
  assert.ok(Array.isArray(actual) && actual.length === expected.length, `${where} is ${JSON.stringify(actual)}`);
  const fits = (element: unknown, part: unknown): boolean => {
    try {
      assertPart(element, part, where);
      return true;
    } catch {
      return false;
    }
  };
  for (const part of expected)
    assert.ok(
      actual.some((element) => fits(element, part)),
      `${where} lacks ${JSON.stringify(part)}: ${JSON.stringify(actual)}`,
    );
}
