import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import { decode } from '../../src/zitadel/decode.ts';

function answered(code: Code, ...details: readonly { type: string; value: Uint8Array }[]): ConnectError {
  const error = new ConnectError('text (ID-1)', code);
  error.isWireError = true;
  error.details.push(...details);
  return error;
}

const V1 = {
  type: ErrorDetailSchema.typeName,
  value: toBinary(ErrorDetailSchema, create(ErrorDetailSchema, { id: 'ID-1', message: 'text' })),
};

function v2(slug: string, message: string): { type: string; value: Uint8Array } {
  const value = new BinaryWriter()
    .tag(1, 2)
    .string(slug)
    .tag(2, 2)
    .string(message)
    .tag(3, 2)
    .bytes(Uint8Array.of(1))
    .finish();
  return { type: 'zitadel.error.v2.ErrorDetail', value };
}

test('id and message come from zitadel.v1.ErrorDetail', () => {
  assert.deepEqual(decode('UpdateUser', answered(Code.NotFound, V1)), {
    call: 'UpdateUser',
    code: 'NOT_FOUND',
    id: 'ID-1',
    message: 'text',
    fate: 'answered',
    cause: 'answer',
  });
});

test('the slug of zitadel.error.v2.ErrorDetail is read beside it, and alone', () => {
  assert.deepEqual(decode('X', answered(Code.AlreadyExists, v2('user.already_exists', 'there'), V1)), {
    call: 'X',
    code: 'ALREADY_EXISTS',
    id: 'ID-1',
    message: 'text',
    slug: 'user.already_exists',
    fate: 'answered',
    cause: 'answer',
  });
  const alone = decode('X', answered(Code.AlreadyExists, v2('user.already_exists', 'there')));
  assert.deepEqual([alone.id, alone.slug, alone.message], [null, 'user.already_exists', 'there']);
});

test('details that cannot be read are passed over', () => {
  const junk = { type: 'zitadel.error.v2.ErrorDetail', value: Uint8Array.of(10, 200) };
  const other = { type: 'google.rpc.Unheard', value: Uint8Array.of(1, 2, 3) };
  const failure = decode('X', answered(Code.FailedPrecondition, junk, other));
  assert.deepEqual([failure.code, failure.id, failure.slug], ['FAILED_PRECONDITION', null, undefined]);
});

test('Retry-After: seconds and a date', () => {
  const with_ = (value: string) =>
    decode('X', new ConnectError('', Code.Unavailable, { 'retry-after': value })).retryAfter;
  assert.equal(with_('7'), 7);
  assert.equal(with_(new Date(Date.now() - 5_000).toUTCString()), 0);
  assert.ok(Math.abs(Number(with_(new Date(Date.now() + 60_000).toUTCString())) - 60) <= 1);
  assert.equal(with_('soon'), undefined);
  for (const longer of ['86400', '9'.repeat(400), 'Fri, 31 Dec 2100 23:59:59 GMT'])
    assert.equal(with_(longer), 3_600, 'an hour at most');
});

/** An error of the network as connect-node wraps it. */
function network(code: string, syscall?: string): ConnectError {
  const cause = Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) });
  return new ConnectError(code, Code.Unavailable, undefined, undefined, cause);
}

test('certainly never sent: no connection was made', () => {
  for (const code of ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])
    assert.equal(decode('X', network(code, 'connect')).fate, 'never', code);
  assert.equal(decode('X', network('ENOTFOUND', 'getaddrinfo')).fate, 'never');
  for (const code of ['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'DEPTH_ZERO_SELF_SIGNED_CERT'])
    assert.equal(decode('X', network(code)).fate, 'never', code);
  const both = Object.assign(new AggregateError([network('ECONNREFUSED', 'connect').cause]), { code: 'ECONNREFUSED' });
  assert.equal(decode('X', new ConnectError('x', Code.Unavailable, undefined, undefined, both)).fate, 'never');
});

test('may have been applied: the connection broke, or a proxy answered', () => {
  for (const code of ['ECONNRESET', 'EPIPE', 'ERR_HTTP2_STREAM_ERROR'])
    assert.equal(decode('X', network(code)).fate, 'unknown', code);
  assert.equal(decode('X', network('EHOSTUNREACH', 'read')).fate, 'unknown');
  assert.equal(decode('X', new ConnectError('HTTP 502', Code.Unavailable)).fate, 'unknown');
  assert.equal(decode('X', new Error('what?')).fate, 'unknown');
});
