import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS } from '../src/zitadel/error-table.ts';
import { createLog, type Log, reason } from '../src/server/log.ts';
import { crashSite } from '../src/scim/http/errors.ts';

function lines(write: (log: Log) => void, level = 'info'): Record<string, unknown>[] {
  const written: string[] = [];
  write(createLog({ level }, { write: (line) => void written.push(line) }));
  return written.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a request line has the fields of the table and no others', () => {
  const line = {
    txn: 't-1',
    tenant: 'acme',
    who: 'okta',
    method: 'PATCH',
    route: '/Users/:id',
    status: 200,
    ms: 1.23456,
    id: '4005',
    body: { userName: 'ada@example.com' },
    authorization: 'Bearer secret',
  };
  const [{ time, ...rest } = {}] = lines((log) => log.request(line));
  assert.ok(time);
  const { body: _body, authorization: _authorization, ...expected } = line;
  assert.deepEqual(rest, { level: 'info', kind: 'request', ...expected, ms: 1.23 });
});

test('a reason is cut down to the error id of ZITADEL', () => {
  const reasons = ['User ada@example.com not found (QUERY-Dfbg2)', 'ECONNREFUSED', 'Ada Lovelace exists'].map(
    (reason) =>
      lines((log) =>
        log.delivery({ txn: 't', tenant: 'a', id: '1', steps: ['UpdateUser'], outcome: 'retry', ms: 1, reason }),
      ),
  );
  assert.deepEqual(
    reasons.map(([line]) => line?.['reason']),
    ['QUERY-Dfbg2', 'ECONNREFUSED', '?'],
  );
});

test('an id is written when it looks like one, else as a hash that is the same in all lines', () => {
  const idOf = (id: string) =>
    lines((log) => log.request({ txn: 't', method: 'GET', route: '/Users/:id', status: 404, ms: 1, id }))[0]?.['id'];
  for (const id of [
    '300000000000000001',
    '4005',
    '5f0c1c3e-8a8f-4c0d-9e2b-0123456789ab',
    '5F0C1C3E-8A8F-4C0D-9E2B-0123456789AB',
  ])
    assert.equal(idOf(id), id);
  const others = [
    'ada',
    'ada@example.com',
    'ada.lovelace',
    'Ada-Lovelace',
    '+4930123456',
    '1'.repeat(33),
    '4005 ',
    'dead-beef',
    '',
    'urn:x',
  ];
  const hashes = others.map(idOf);
  for (const [n, hash] of hashes.entries()) assert.match(String(hash), /^hash:[\da-f]{16}$/, others[n]);
  assert.equal(new Set(hashes).size, others.length);
  assert.deepEqual(others.map(idOf), hashes);
  const [delivery, system] = lines((log) => {
    log.delivery({ txn: 't', tenant: 'a', id: 'ada@example.com', steps: [], outcome: 'done', ms: 1 });
    log.system('info', 'x', { id: 'ada@example.com' });
  });
  assert.deepEqual([delivery?.['id'], system?.['id']], [hashes[1], hashes[1]]);
});

test('of a reason only calls, ids and codes are written, whatever it quotes', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['UpdateUser: EMAIL-spblu ZITADEL refused "ada@example.com"', 'UpdateUser EMAIL-spblu'],
    ['CreateUser: USERv2-j0z7uy x', 'CreateUser USERv2-j0z7uy'],
    ['GetUserByID: UNAVAILABLE connect ECONNREFUSED 127.0.0.1:8080', 'GetUserByID UNAVAILABLE ECONNREFUSED'],
    ['ZITADEL could not be read: ListUsers: UNAVAILABLE HTTP 502', 'ListUsers UNAVAILABLE'],
    ['5 calls in a row got no answer; the last: ListUsers: CANCELED no answer within 5000 ms', 'ListUsers CANCELED'],
    ['UNAVAILABLE CERT_HAS_EXPIRED', 'UNAVAILABLE CERT_HAS_EXPIRED'],
    ['breaker-open', 'breaker-open'],
    // names as people write them
    ['UpdateUser: UNKNOWN ADA-Lovelace ADA_LOVELACE EMMETT UNGER is taken', 'UpdateUser UNKNOWN'],
    ['Lovelace: is taken', '?'],
    ['McDonald is taken (ADA-Lovelace)', '?'],
    ['the user EBERHARD_UNGER', '?'],
  ];
  for (const [given, wanted] of cases) assert.equal(reason(given), wanted, given);
  for (const { id } of ERRORS.flatMap(({ on }) => (on.includes('-') && !on.includes('*') ? [{ id: on }] : [])))
    assert.equal(reason(`UpdateUser: ${id} words`), `UpdateUser ${id}`);
});

test('a message that looks like a stack is none', () => {
  const error = new TypeError('x\n    at ada@example.com (/ada/example.ts:1:1)');
  const [line] = lines((log) => log.system('error', 'failed', { error }));
  assert.doesNotMatch(JSON.stringify(line), /ada/);
  assert.match(JSON.stringify(line), /log\.test\.ts/);
  const site = crashSite(error) ?? '';
  assert.doesNotMatch(site, /ada/);
  assert.match(site, /^TypeError\n +at .*log\.test\.ts/);
});

test('a field that holds a person is written as ?', () => {
  const [line] = lines((log) =>
    log.system('info', 'sync finished', { tenant: 'Ada Lovelace <ada@example.com>', rows: 3 }),
  );
  assert.deepEqual([line?.['tenant'], line?.['rows'], line?.['msg']], ['?', 3, 'sync finished']);
});

test('a failure is written without its message, an address without user and path', () => {
  const refusal = Object.assign(new Error('OOM command not allowed, ada@example.com'), { name: 'ReplyError' });
  const error = Object.assign(new TypeError('ada@example.com is wrong'), { code: 'ERR_X' });
  const text = JSON.stringify(
    lines((log) => {
      log.system('error', 'failed', { error, address: 'https://u:p@id.example.com/a?b' });
      log.system('error', 'failed', { error: refusal });
    }),
  );
  assert.match(text, /"name":"ReplyError","code":"OOM"/, 'what Redis refused and why');
  assert.match(text, /"name":"TypeError","code":"ERR_X","at":\["at /);
  assert.match(text, /"address":"https:\/\/id\.example\.com"/);
  assert.doesNotMatch(text, /ada@example/);
});

test('levels: 5xx and deliveries that went wrong stand out', () => {
  const request = (status: number) => (log: Log) =>
    log.request({ txn: 't', method: 'GET', route: '/Users', status, ms: 1 });
  const delivery = (outcome: string) => (log: Log) =>
    log.delivery({ txn: 't', tenant: 'a', id: '1', steps: [], outcome, ms: 1 });
  const level = (write: (log: Log) => void) => lines(write)[0]?.['level'];
  assert.deepEqual(
    [200, 404, 503].map((status) => level(request(status))),
    ['info', 'info', 'error'],
  );
  assert.deepEqual(
    ['done', 'retry', 'refused'].map((outcome) => level(delivery(outcome))),
    ['info', 'warn', 'warn'],
  );
  assert.deepEqual(lines(request(200), 'warn'), []);
});
