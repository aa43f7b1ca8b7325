/** What a transport error means: ZITADEL's own answer, or how the connection to it failed. */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';
import type { Outcome } from '../bridge/ports/zitadel.ts';
import type { Answer } from './error-table.ts';

/**
 * never: certainly not sent. answered: ZITADEL's own answer. unknown: it may have been applied
 * (reset, our own deadline, a proxy's 5xx).
 */
export type Fate = 'never' | 'answered' | 'unknown';

/** away: no answer from ZITADEL. limited: too many calls. answer: ZITADEL's own. */
export type Cause = Extract<Outcome, { kind: 'retry' }>['cause'];

/** A call that did not succeed. */
export interface Failure extends Answer {
  readonly fate: Fate;
  readonly cause: Cause;
  /** why it was not even attempted */
  readonly unsent?: 'no-slot' | 'breaker-open';
  /** the answer exceeded the bridge's size limit */
  readonly unread?: true;
  /** stable name of the error on newer servers (zitadel.error.v2.ErrorDetail), e.g. user.already_exists */
  readonly slug?: string;
  /** seconds */
  readonly retryAfter?: number;
}

/** @param error what a Connect client threw */
export function decode(call: string, error: unknown): Failure {
  const connect = ConnectError.from(error);
  if (isTooLarge(connect)) return tooLarge(call);
  const detail = zitadelDetail(connect);
  const retryAfter = seconds(connect.metadata.get('retry-after'));
  return {
    call,
    code: codeName(connect.code),
    // newer servers send the detail of an unknown error with an empty id (measured)
    id: detail.id || null,
    message: detail.message || connect.rawMessage,
    fate: fateOf(connect),
    cause: causeOf(connect),
    ...(detail.slug === undefined ? {} : { slug: detail.slug }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** The answer exceeded our transport's limit (connect's limit-io.js); ZITADEL's RESOURCE_EXHAUSTED is a wire error. */
function isTooLarge(error: ConnectError): boolean {
  return !error.isWireError && error.code === Code.ResourceExhausted && error.rawMessage.includes('readMaxBytes');
}

/** An answer of unclear meaning: whether a write was applied is unknown. */
function tooLarge(call: string): Failure {
  const message = 'the answer was too large to be read';
  return { call, code: 'UNKNOWN', id: null, message, fate: 'unknown', cause: 'answer', unread: true };
}

/** NotFound -> NOT_FOUND, as gRPC writes it. */
const codeName = (code: Code): string =>
  (Code[code] ?? 'Unknown').replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();

interface Detail {
  readonly id?: string;
  readonly message?: string;
  readonly slug?: string;
}

/** Reads ZITADEL's two detail types; ignores others. */
function zitadelDetail(error: ConnectError): Detail {
  let found: Detail = {};
  const [v1] = error.findDetails(ErrorDetailSchema);
  if (v1 !== undefined) found = { id: v1.id, message: v1.message };
  for (const each of error.details) {
    if (!('type' in each) || each.type !== 'zitadel.error.v2.ErrorDetail') continue;
    const { slug, message } = errorV2(each.value);
    found = { ...(message === undefined ? {} : { message }), ...found, ...(slug === undefined ? {} : { slug }) };
  }
  return found;
}

/** zitadel.error.v2.ErrorDetail {slug 1, message 2, details 3}; not in @zitadel/proto 1.3.1. */
function errorV2(bytes: Uint8Array): { slug?: string; message?: string } {
  const out: { slug?: string; message?: string } = {};
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 1) out.slug = reader.string();
      else if (field === 2) out.message = reader.string();
      else reader.skip(wireType);
    }
  } catch {
    // an unreadable detail says nothing; the code still does
  }
  return out;
}

/** System errors when no connection was made. On an established one other calls (read, write) report the same. */
const CONNECTING: ReadonlySet<string> = new Set(['connect', 'getaddrinfo', 'getaddrinfoex']);
const TLS_HANDSHAKE = /^(ERR_TLS_|ERR_SSL_WRONG_VERSION|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/;

function fateOf(error: ConnectError): Fate {
  if (error.isWireError) return 'answered';
  if (chain(error).some(neverConnected)) return 'never';
  // RFC 9113 §8.7: a stream refused this way was not processed
  return error.rawMessage.includes('REFUSED_STREAM') ? 'never' : 'unknown';
}

function causeOf(error: ConnectError): Cause {
  // an HTTP answer without a ZITADEL error: from a proxy, or from a server without the method
  const status = Number(/^HTTP (\d{3})$/.exec(error.rawMessage)?.[1] ?? Number.NaN);
  if (error.code === Code.ResourceExhausted || status === 429) return 'limited';
  return error.isWireError || status < 502 ? 'answer' : 'away';
}

function neverConnected(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined) return false;
  if (TLS_HANDSHAKE.test(code)) return true;
  // several addresses were tried: Node reports them together, without a system call name
  if (error instanceof AggregateError)
    return error.errors.every((each) => each instanceof Error && neverConnected(each));
  return syscall !== undefined && CONNECTING.has(syscall);
}

function chain(error: unknown): Error[] {
  const out: Error[] = [];
  for (let at = error; at instanceof Error && !out.includes(at); at = at.cause) out.push(at);
  return out;
}

/** The longest pause that is respected, in seconds: the server's or proxy's clock may be wrong. */
const LONGEST_PAUSE = 3_600;

/** Retry-After (RFC 9110 §10.2.3): seconds or a date; at most an hour. */
export function seconds(header: string | null): number | undefined {
  if (header === null) return undefined;
  const value = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(value) ? undefined : Math.min(LONGEST_PAUSE, Math.max(0, Math.ceil(value)));
}
