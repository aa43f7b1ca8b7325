/**
 * What a stranger can send, made 32 times as long: the work may grow by as much, and not by the square. Work is processor time of
 * this thread, so that other work of the machine does not count; the factor leaves room for what is left of its noise.
 */
import assert from 'node:assert/strict';
import { BridgeError } from '../../src/errors.ts';
import { reason } from '../../src/server/log.ts';
import { resolvePath } from '../../src/mapping/attribute-path.ts';
import { GROUP, USER } from '../../src/mapping/schema.ts';
import { compileFilter } from '../../src/mapping/filter.ts';
import { createProjection } from '../../src/mapping/project.ts';
import { fromFacts, toFacts } from '../../src/mapping/users.ts';
import { createAccess } from '../../src/scim/http/auth.ts';
import { parseBody, type Json } from '../../src/scim/http/body.ts';
import { coerceResource } from '../../src/scim/coerce.ts';
import { contentHash } from '../../src/scim/http/content-hash.ts';
import { etagsOf } from '../../src/scim/http/etags.ts';
import { parseFilter } from '../../src/scim/filter/parser.ts';
import { readGroupBody } from '../../src/scim/groups/group-body.ts';
import { readGroupPatch } from '../../src/scim/groups/group-patch.ts';
import { patchLeaves, putLeaves } from '../../src/scim/patch/leave.ts';
import { answerType, checkBodyType } from '../../src/scim/http/media-type.ts';
import { readPatch } from '../../src/scim/patch/patch.ts';
import { asked, bodyParameters, listQuery, urlParameters } from '../../src/scim/http/query.ts';
import { readUserBody } from '../../src/scim/quirks.ts';
import { segmentsOf } from '../../src/scim/http/segments.ts';
import { createShape } from '../../src/scim/shape.ts';
import { int, mulberry32, pick, type Random } from '../mapping/random.ts';

const shape = createShape(USER);
const KB = 1024;

/** Longest headers, and a body that is long enough to see a square in it. */
const HEADER = 16 * KB;
const BODY = 64 * KB;
const TIMES = 32;

/** So much more than in step with the length is no growth yet. */
export const FACTOR = 10;
/** Less work than this says nothing, µs: some systems count processor time in steps of 4 ms. */
const FLOOR = 8_000;
const TRIES = 3;

interface Reader {
  readonly name: string;
  /** longest text it is given */
  readonly length: number;
  readonly read: (text: string) => unknown;
}

const access = createAccess({
  clock: () => 0,
  tenants: [
    {
      tenant: { id: 'a', organization: '1', ready: () => true } as never,
      tokens: [{ name: 't', sha256: '0'.repeat(64) }],
      basic: { user: 'u', passwordHash: '$2b$04$18KVggTEqdB8JhEBxwvAe.rjzuJPUpQ7ln1jam227qs88U00Hv4TO' },
      jwt: { issuer: 'i', audience: 'a', jwksUri: 'https://issuer.invalid/keys' },
    },
  ],
});
let addresses = 0;

/** As it comes over the wire. */
const sent = (body: Json): Json => parseBody(Buffer.from(JSON.stringify(body)));

function user(written: Json): void {
  const body = sent(written);
  putLeaves(body, shape);
  const read = coerceResource(readUserBody(body, shape), shape);
  contentHash(read);
  fromFacts(toFacts({ userName: 'ada', ...read }, 'id'));
}

function patch(...operations: readonly object[]): void {
  const body = sent({ Operations: operations });
  patchLeaves(body, shape);
  readPatch(body, shape).apply({ userName: 'ada', emails: [{ type: 'work', value: 'a@example.com' }] });
}

const group = (...operations: readonly object[]): unknown =>
  readGroupPatch(sent({ Operations: operations }), { id: 'g', base: 'https://scim.example.com/scim/v2' });

function filter(text: string): void {
  const tree = parseFilter(text);
  compileFilter(tree, USER)({ userName: 'ada' });
  compileFilter(tree, GROUP)({ displayName: 'ada' });
}

const header = (name: string, read: (text: string) => unknown): Reader => ({ name, length: HEADER, read });
const body = (name: string, read: (text: string) => unknown): Reader => ({ name, length: BODY, read });

const READERS: readonly Reader[] = [
  header('Authorization', (text) => access.identify(text, `192.0.2.${addresses++}`)),
  header('Authorization: Bearer', (text) => access.identify(`Bearer ${text}`, `192.0.2.${addresses++}`)),
  header('Authorization: Basic', (text) =>
    access.identify(`Basic ${Buffer.from(text).toString('base64')}`, `192.0.2.${addresses++}`),
  ),
  header('If-Match', etagsOf),
  header('Accept', answerType),
  header('Content-Type', (text) => checkBodyType({ 'content-type': text })),
  header('path', segmentsOf),
  header('query', (text) => listQuery(urlParameters(`/Users?${text}`))),
  header('filter in the address', (text) => listQuery(urlParameters(`/Users?filter=${text}`))),
  body('filter', filter),
  body('text of a filter', (text) =>
    filter(`meta.created gt ${JSON.stringify(text)} or emails co ${JSON.stringify(text)}`),
  ),
  ...['attributes', 'excludedAttributes', 'sortBy', 'sortOrder', 'count', 'filter'].map((name) =>
    body(`search: ${name}`, (text) => {
      const parameters = bodyParameters({ [name]: text });
      listQuery(parameters);
      createProjection(USER, asked(parameters));
    }),
  ),
  body('attributes as a list', (text) =>
    createProjection(USER, asked(bodyParameters({ attributes: text.split('a') }))),
  ),
  body('path', (text) => resolvePath(text, USER)),
  body('body', (text) => user(parseBody(Buffer.from(text)))),
  body('text in a body', (text) => user(parseBody(Buffer.from(JSON.stringify({ title: text }))))),
  body('name in a body', (text) => user({ [text]: text, userName: 'ada' })),
  ...USER.core.attributes.map(({ name, multiValued, type, subAttributes }) =>
    body(`attribute ${name}`, (text) => {
      const one = type === 'complex' ? Object.fromEntries((subAttributes ?? []).map((sub) => [sub.name, text])) : text;
      user({ userName: 'ada', [name]: multiValued ? [one] : one });
    }),
  ),
  ...USER.extensions.map(({ id, attributes }) =>
    body(`extension ${id}`, (text) =>
      user({ userName: 'ada', [id]: Object.fromEntries(attributes.map(({ name }) => [name, text])) }),
    ),
  ),
  body('many elements', (text) => user({ userName: 'ada', emails: text.split('').map((value) => ({ value })) })),
  body('many values', (text) => user({ userName: 'ada', roles: [...text].map((_, at) => ({ value: `${at}` })) })),
  body('PATCH: path', (path) => patch({ op: 'replace', path, value: 'x' })),
  body('PATCH: value path', (text) => patch({ op: 'replace', path: `emails[${text}].value`, value: 'x@example.com' })),
  body('PATCH: value', (value) => patch({ op: 'replace', path: 'emails[type eq "work"].value', value })),
  body('PATCH: name of a value', (text) => patch({ op: 'add', value: { [text]: 'x' } })),
  body('PATCH: op', (op) => patch({ op, path: 'title', value: 'x' })),
  body('PATCH: many operations', (text) =>
    patch(...text.split('').map((value) => ({ op: 'add', path: 'roles', value: [{ value }] }))),
  ),
  body('PATCH of a group: path', (path) => group({ op: 'remove', path })),
  body('PATCH of a group: filter', (text) => group({ op: 'remove', path: `members[${text}]` })),
  body('PATCH of a group: member', (value) => group({ op: 'add', path: 'members', value: [{ value }] })),
  body('PATCH of a group: $ref', (text) => group({ op: 'add', path: 'members', value: [{ $ref: text }] })),
  body('PATCH of a group: many members', (text) =>
    group(...[...text].map((_, at) => ({ op: 'add', path: 'members', value: [{ value: `${at}` }] }))),
  ),
  body('group', (text) =>
    readGroupBody(sent({ displayName: text, externalId: text, members: [{ value: text }] }), () => undefined),
  ),
  body('reason of a log line', reason),
];

// biome-ignore format: a heap of pieces
const PIECES = [
  ' ', '\t', '\n', '\r\n', '\0', 'a', 'A', '1', '-', '_', '+', '=', '/', '//', '.', '..', ',', ';', ':', '@', '"', '""', '\\', '\\"', '(', ')', '[', ']', '{', '}',
  '%', '%20', '%61', '%FF', '&', '&a=', '*', 'W/"', 'é', '\u{1f600}', 'a ', 'a.', 'a@', 'a@a.', 'a,', 'a:', 'a/', 'a=', 'urn:', 'a pr and ', 'a eq 1 or ',
  'not (', 'not(', 'a[', 'a[b pr] and ', '"a" ', '["', '{"a":', '[[', '0', '00', '+41', 'en-', 'tel:', 'charset=', '__proto__.', '<', "'",
];
const ENDS = ['', '!', 'b', '"', ']', ')', ' ', '\n', '=', '@', '.'];
const STARTS = ['', 'a', 'a ', '"', 'a@', 'Bearer a', '/', '[', 'userName eq "', ' ', '+', 'W/"', '{"a":"', 'urn:a:'];

/** A text of so many characters out of one piece. */
interface Form {
  readonly start: string;
  readonly piece: string;
  readonly end: string;
}

const written = ({ start, piece, end }: Form, length: number): string =>
  start + piece.repeat(Math.max(1, Math.floor(length / piece.length))) + end;

/** Processor time of one reading, µs; a refusal is an answer like any other. */
async function cost({ read }: Reader, text: string): Promise<number> {
  const before = process.threadCpuUsage();
  try {
    await read(text);
  } catch (error) {
    if (!(error instanceof BridgeError) || error.status >= 500) throw error;
  }
  const { user: own, system } = process.threadCpuUsage(before);
  return own + system;
}

/** The work on one long text against that on as many short ones as make up its length; 0: too little work to say. */
async function growth(reader: Reader, form: Form): Promise<number> {
  const [short, long] = [written(form, reader.length / TIMES), written(form, reader.length)];
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES; tries++) {
    const large = await cost(reader, long);
    if (large < FLOOR * FACTOR) return 0;
    let small = 0;
    for (let times = 0; times < TIMES; times++) small += await cost(reader, short);
    least = Math.min(least, large / Math.max(FLOOR, small));
    if (least < FACTOR) return least;
  }
  return least;
}

async function check(reader: Reader, form: Form): Promise<void> {
  const found = await growth(reader, form).catch((cause: unknown) => {
    throw new Error(`${reader.name}: ${JSON.stringify(form)} failed`, { cause });
  });
  assert.ok(
    found < FACTOR,
    `${reader.name}: ${JSON.stringify(form)} costs ${found.toFixed(1)} times what its length says`,
  );
}

/**
 * Every reader of headers with every piece, and those of bodies with one in so many, between a start and an end by chance; how many that
 * were. Throws on the first that grows by more than its length.
 */
export async function growthOfAll(seed: number, oneIn = 1): Promise<number> {
  const random = mulberry32(seed);
  let count = 0;
  for (const reader of READERS)
    for (const piece of PIECES) {
      if (reader.length === BODY && int(random, oneIn) > 0) continue;
      await check(reader, around(random, piece));
      count += 1;
    }
  return count;
}

/** So many readers and forms by chance, of pieces put together too. */
export async function fuzzGrowth(cases: number, seed: number): Promise<void> {
  const random = mulberry32(seed);
  for (let at = 0; at < cases; at++) {
    const piece = Array.from({ length: 1 + int(random, 3) }, () => pick(random, PIECES)).join('');
    await check(pick(random, READERS), around(random, piece));
  }
}

const around = (random: Random, piece: string): Form => ({
  start: pick(random, STARTS),
  piece,
  end: pick(random, ENDS),
});

/** For the test of the test. */
export const growthOf = (read: (text: string) => unknown, form: Form): Promise<number> =>
  growth({ name: 'read', length: HEADER, read }, form);
