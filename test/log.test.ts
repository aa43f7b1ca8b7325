import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog, type Log } from '../src/server/log.ts';

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
