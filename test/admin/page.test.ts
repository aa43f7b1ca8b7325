import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import express from 'express';
import fc from 'fast-check';
import helmet from 'helmet';
import request from 'supertest';
import { createPageRouter } from '../../src/admin/page-router.ts';
import { createFailures } from '../../src/scim/http/throttle.ts';
import { reason as codes } from '../../src/server/log.ts';
import { BridgeError } from '../../src/errors.ts';
import type { TenantState } from '../../src/bridge/ports/operator.ts';
import { fakeOperator, type FakeOperator, MINUTE, NOW, RULE, RULES, SYNCED } from './fake-operator.ts';
import { type Markup, parseMarkup } from './markup.ts';
import { deskOf } from './run.ts';

const TOKEN = 'a-token-of-operators';
const sha256 = (text: string, encoding: 'hex' | 'base64') => createHash('sha256').update(text).digest(encoding);

function serve(
  operators: Readonly<Record<string, FakeOperator>>,
  tokenHash: string | undefined = sha256(TOKEN, 'hex'),
) {
  const failures = createFailures(() => NOW);
  return express()
    .use(helmet())
    .use(createPageRouter({ desk: deskOf(operators), tokenHash, failures, codes }));
}

async function read(operators: Readonly<Record<string, FakeOperator>>): Promise<Markup & { readonly source: string }> {
  const { text, status, type } = await request(serve(operators)).get('/').auth('operator', TOKEN);
  assert.deepEqual([status, type], [200, 'text/html']);
  return { ...parseMarkup(text), source: text };
}

type Shown = TenantState['deliveries'][number];

const delivery = (more: Pick<Shown, 'reason'> & Partial<Pick<Shown, 'id' | 'calls' | 'outcome'>> = {}): Shown => ({
  tenant: 'north',
  id: 'u1',
  txns: ['t'],
  who: 'okta',
  calls: ['UpdateUser:refused'],
  outcome: 'refused',
  attempts: 1,
  ms: 5,
  orphans: 0,
  dead: 0,
  at: NOW - MINUTE,
  ...more,
});

describe('who may see it', () => {
  const { north } = { north: fakeOperator('north') };

  test('404 without ADMIN_TOKEN, whatever is sent', async () => {
    const app = express().use(
      createPageRouter({ desk: deskOf({ north }), tokenHash: undefined, failures: { attempt: assert.fail }, codes }),
    );
    for (const path of ['/', '/?x', '/index.html', '/admin']) {
      const answer = await request(app).get(path).auth('operator', TOKEN);
      assert.equal(answer.status, 404, path);
      assert.equal(answer.get('WWW-Authenticate'), undefined);
    }
  });

  test('the token as password of any user, or as bearer', async () => {
    const app = serve({ north });
    for (const user of ['operator', '', 'a b'])
      assert.equal((await request(app).get('/').auth(user, TOKEN)).status, 200, user);
    assert.equal((await request(app).get('/').set('Authorization', `bearer ${TOKEN}`)).status, 200);
    assert.equal((await request(app).head('/').auth('operator', TOKEN)).status, 200);
  });

  test('401 with a challenge for anything else, without a word of what is inside', async () => {
    for (const authorization of [
      undefined,
      'Bearer',
      'Bearer wrong',
      `Bearer ${TOKEN}x`,
      `Digest ${TOKEN}`,
      `Basic ${Buffer.from('operator:').toString('base64')}`,
      `Basic ${Buffer.from(`${TOKEN}:operator`).toString('base64')}`,
      `Basic ${sha256(TOKEN, 'hex')}`,
      `Bearer ${sha256(TOKEN, 'hex')}`,
      '\u00ff',
    ]) {
      const asked = request(serve({ north })).get('/');
      const answer = await (authorization === undefined ? asked : asked.set('Authorization', authorization));
      assert.equal(answer.status, 401, authorization);
      assert.match(answer.get('WWW-Authenticate') ?? '', /^Basic realm="/);
      assert.doesNotMatch(answer.text, /north/);
    }
  });

  test('ten wrong tokens a minute from one address, then even the right one waits: 429', async () => {
    const app = serve({ north });
    const statuses: number[] = [];
    for (let at = 0; at < 11; at += 1)
      statuses.push((await request(app).get('/').auth('operator', `wrong-${at}`)).status);
    assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), 429]);
    const held = await request(app).get('/').auth('operator', 'wrong');
    assert.match(held.get('Retry-After') ?? '', /^[1-9]\d*$/);
    const right = (address: string) =>
      request(app.set('trust proxy', true)).get('/').auth('operator', TOKEN).set('X-Forwarded-For', address);
    assert.equal((await request(app).get('/').auth('operator', TOKEN)).status, 429);
    assert.equal((await right('192.0.2.1')).status, 200);
  });
});

test('nothing but the page itself: no script, no resource, no cache; the policy names the style by its hash', async () => {
  const { text, headers } = await request(serve({ north: fakeOperator('north') }))
    .get('/')
    .auth('operator', TOKEN);
  const { tags } = parseMarkup(text);
  for (const tag of tags)
    assert.doesNotMatch(tag, /^(script|link|img|iframe|object|embed|form|base|a)\b|\b(on\w+|style|src|href)=/);
  const [, style = ''] = /<style>([^]*)<\/style>/.exec(text) ?? [];
  assert.equal(
    headers['content-security-policy'],
    `default-src 'none'; style-src 'sha256-${sha256(style, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  assert.equal(headers['cache-control'], 'no-store');
  assert.ok(tags.includes('meta name="viewport" content="width=device-width, initial-scale=1"'));
});

describe('what it says', () => {
  test('counts, the oldest pending change, availability, the sync and the last deliveries of each tenant', async () => {
    const north = fakeOperator(
      'north',
      { id: 'u1', conditions: ['pending', 'deadLetter'] },
      { id: 'u2', conditions: ['pending'] },
    );
    north.tells = {
      oldestPending: NOW - 30 * MINUTE,
      unavailable: { kind: 'suspended', reason: 'ZITADEL refused the token', since: NOW - 5 * MINUTE },
      sync: { finished: NOW - 60 * MINUTE, running: false, last: { kind: 'failed', reason: 'UNAUTHENTICATED' } },
      deliveries: [delivery({ reason: 'UpdateUser: EMAIL-599BI a word of ZITADEL' })],
    };
    const { text, tags } = await read({ north, zeta: fakeOperator('zeta') });
    for (const said of [
      'north',
      'organization 400, 2 users',
      'pending2oldest 30 min',
      'in-doubt0',
      'dead-letter1',
      'on-hold0',
      'blocked0',
      'ZITADEL: access suspended since 2026-03-01 11:55:00 UTC (5 min ago): ZITADEL refused the token',
      'sync: last finished 2026-03-01 11:00:00 UTC (60 min ago); the last one failed: UNAUTHENTICATED',
      '2026-03-01 11:59:00refusedUpdateUser EMAIL-599BIu1UpdateUser:refused1',
      'zeta',
      'ZITADEL: available',
      'no deliveries yet',
    ])
      assert.ok(text.includes(said), said);
    assert.equal(tags.filter((tag) => tag === 'div class="fail"').length, 1, 'dead letters stand out');
  });

  test('a sync that runs, one that never ended, and users that were kept', async () => {
    const north = fakeOperator('north');
    north.tells = { sync: { finished: null, running: true, last: { kind: 'progress', users: 12, changed: 3 } } };
    assert.match((await read({ north })).text, /sync: none has finished yet; one is running, 12 users read/);
    north.tells = { sync: { finished: NOW, running: false, last: { ...SYNCED, kept: 30 } as typeof SYNCED } };
    assert.match((await read({ north })).text, /; 30 users missing in ZITADEL, none removed/);
  });

  test('how the rules of groups stand, in numbers: no name of a group', async () => {
    const north = fakeOperator('north');
    const paragraph = async (): Promise<string> =>
      /<p class="\w+">groups: [^<]*<\/p>/.exec((await read({ north })).source)?.[0] ?? '';
    assert.equal(await paragraph(), '<p class="ok">groups: 1 rule in force</p>');
    north.rules = { ...RULES, differs: true, unconfirmed: ['g1', 'g2'], applying: { users: 7 } };
    assert.equal(
      await paragraph(),
      '<p class="warn">groups: 1 rule in force; bridge.yaml differs; 2 groups not trusted yet; an apply is running or was interrupted, 7 users evaluated</p>',
    );
    north.rules = { ...RULES, rules: [RULE, { ...RULE, rule: 2, off: 'the group Ada is off' }] };
    assert.equal(await paragraph(), '<p class="fail">groups: 2 rules in force, 1 of them off</p>');
    assert.doesNotMatch((await read({ north })).source, /Help desk|Ada/);
    north.groups.state = () => Promise.reject(new BridgeError(503, 'ZITADEL is away'));
    assert.equal(await paragraph(), '<p class="warn">groups: not known: ZITADEL is away</p>');
    assert.match((await read({ north })).text, /organization 400, 0 users/);
  });

  test('a store that fails is a line, and hides no other tenant', async () => {
    const north = fakeOperator('north');
    north.broken = 'the disk is full';
    const { text } = await read({ north, zeta: fakeOperator('zeta') });
    assert.match(text, /The store cannot be read: the disk is full/);
    assert.match(text, /organization 400, 0 users/);
  });

  test('reasons lose the words that may be of a person', async () => {
    const north = fakeOperator('north');
    north.tells = {
      sync: { finished: NOW, running: false, last: { kind: 'failed', reason: 'UNKNOWN for ada@example.com' } },
      deliveries: [delivery({ reason: 'UpdateUser: EMAIL-spblu "ada@example.com" is no address' })],
    };
    const { source } = await read({ north });
    assert.doesNotMatch(source, /ada|example\.com/);
    assert.match(source, /UpdateUser EMAIL-spblu/);
  });
});

describe('hostile texts', () => {
  /** A page with `text` wherever a text of somebody else may stand. */
  function withText(text: string): Record<string, FakeOperator> {
    const north = fakeOperator('north');
    const broken = fakeOperator('broken');
    broken.broken = text;
    north.tells = {
      tenant: text,
      organization: text,
      unavailable: { kind: 'unreachable', reason: text, since: NOW },
      sync: { finished: NOW, running: false, last: { kind: 'failed', reason: text } },
      deliveries: [delivery({ id: text, calls: [text, text], reason: text, outcome: text as 'done' })],
    };
    north.groups.state = () => Promise.reject(new BridgeError(503, text));
    return { north, broken };
  }

  test('are shown as they are', async () => {
    for (const text of [
      '<script>alert(1)</script>',
      '"><img src="x" onerror="alert(1)">',
      "' onclick='x",
      '&lt;b&gt;',
      '</style>',
      '<!--',
      ']]>',
    ]) {
      const { text: seen, source } = await read(withText(text));
      assert.ok(seen.includes(`ZITADEL: unreachable since 2026-03-01 12:00:00 UTC (0 s ago): ${text}`), text);
      assert.doesNotMatch(source, /<(script|img|!--)/);
    }
  });

  test('law: no text changes the tags of the page', async () => {
    const { tags } = await read(withText('text'));
    await fc.assert(
      fc.asyncProperty(
        fc.string({
          unit: fc.constantFrom('<', '>', '"', "'", '&', '/', '!', '-', 'a', '=', ' ', '\u0000', '\n', '\ud800'),
        }),
        async (text) => {
          assert.deepEqual((await read(withText(text))).tags, tags);
        },
      ),
      { numRuns: 100 },
    );
  });
});
