/**
 * Log lines by allow-list: a field that FIELDS does not name is never written, and each field is written in a form
 * without personal data or secrets. Three kinds of lines: request, delivery, system.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { type DestinationStream, pino } from 'pino';

/** One answered SCIM request. */
export interface RequestLine {
  readonly txn: string;
  readonly tenant?: string | undefined;
  /** name of the token */
  readonly who?: string | undefined;
  readonly method: string;
  /** the pattern, `/Users/:id`, never the address itself */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  /** of the resource */
  readonly id?: string | undefined;
  readonly scimType?: string | undefined;
  /** names of attributes that no schema has */
  readonly ignored?: readonly string[] | undefined;
}

/** One attempt to deliver pending changes. */
export interface DeliveryLine {
  /** of the first request it belongs to; `txns`: of the others */
  readonly txn: string;
  readonly txns?: readonly string[] | undefined;
  readonly tenant: string;
  readonly who?: string | undefined;
  readonly id: string;
  /** kinds of the steps that were run */
  readonly steps: readonly string[];
  /** kind of the outcome; done, already, gone and replan are normal */
  readonly outcome: string;
  readonly ms: number;
  readonly attempts?: number | undefined;
  /** error id or code of ZITADEL */
  readonly reason?: string | undefined;
}

/** An event of the process, the sync or a connection. */
export interface SystemFields {
  readonly txn?: string | undefined;
  readonly tenant?: string | undefined;
  readonly id?: string | undefined;
  readonly ms?: number | undefined;
  readonly rows?: number | undefined;
  readonly count?: number | undefined;
  /** 1-based position of a group rule */
  readonly rule?: number | undefined;
  /** text that contains only settings */
  readonly setting?: string | undefined;
  /** the address we listen on, or a ZITADEL */
  readonly address?: string | undefined;
  readonly reason?: string | undefined;
  /** an unexpected error: its name and where it happened are written, its message is not */
  readonly error?: unknown;
}

export type SystemLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Log {
  request(line: RequestLine): void;
  /** info when the outcome is a normal one, else warn */
  delivery(line: DeliveryLine): void;
  /** `event`: a fixed text, never built from values */
  system(level: SystemLevel, event: string, fields?: SystemFields): void;
}

/** Names, ids and codes: one word without blanks or @. Anything else could be personal data. */
const word = (value: unknown): string => (/^[\w.:/-]{1,200}$/.test(String(value)) ? String(value) : '?');

/** Ids in the bridge's and ZITADEL's form. A path may hold anything, and ZITADEL accepts other ids. */
const ID = /^(?:\d{1,32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;

/** Distinguishes ids within one process's log; a keyed hash, so addresses cannot be guessed from it. */
const ID_KEY = randomBytes(32);

/** An id, or a hash of anything that does not look like one. */
const identifier = (value: unknown): string => {
  const text = String(value);
  return ID.test(text) ? text : `hash:${createHmac('sha256', ID_KEY).update(text).digest('hex').slice(0, 16)}`;
};

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? Math.round(value * 100) / 100 : undefined;

const words = (value: unknown): unknown => (Array.isArray(value) ? value.slice(0, 50).map(word) : undefined);

/** Codes of gRPC: the whole list. */
const GRPC: ReadonlySet<string> = new Set(
  [
    'CANCELLED CANCELED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED',
    'RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED',
  ].flatMap((line) => line.split(' ')),
);
/** Codes of system errors, of look-ups, and of Node and OpenSSL, which are many. */
const SYSTEM: ReadonlySet<string> = new Set([...Object.keys(constants.errno), 'ENOTFOUND', 'EAI_AGAIN', 'EPROTO']);
const LIBRARY = /^(?:ERR|UND_ERR|CERT|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)_[A-Z_]{3,60}$/;

const isCode = (text: string): boolean => GRPC.has(text) || SYSTEM.has(text) || LIBRARY.test(text);

/** `UpdateUser: QUERY-Dfbg2 ...`, as reasons of calls begin; ZITADEL's text follows, which may quote a value. */
const CALL =
  /^(?:ZITADEL could not be read: |\d{1,9} calls in a row got no answer; the last: )?([A-Z][a-z]{1,20}[A-Z][A-Za-z]{1,40}): ([A-Z][A-Za-z0-9]{1,15}-\w{3,16}(?= |$))?/;
/** ZITADEL's error id at the end of its text, when no call precedes it; its second part is random, so it is no name. */
const AT_END = /\(([A-Z][A-Za-z0-9]{1,15}-(\w{3,16}))\)$/;
const NAME = /^[A-Z]?[a-z]*$/;

/** The call, ZITADEL's error id and the codes in a text, or the text if it is one word. The rest may quote a value. */
export function reason(value: unknown): string {
  const text = String(value).slice(0, 500);
  const [, call, id] = CALL.exec(text) ?? [];
  const [, end, random = ''] = call === undefined ? (AT_END.exec(text) ?? []) : [];
  const last = NAME.test(random) ? undefined : end;
  const found = [call, id ?? last, ...text.split(/[^A-Za-z_]+/).filter(isCode)].filter((each) => each !== undefined);
  return found.length > 0 ? [...new Set(found)].join(' ') : word(text);
}

/** Scheme, host and port: user, path and query are omitted. */
const address = (value: unknown): string => {
  const url = URL.parse(String(value));
  return url ? `${url.protocol}//${url.host}` : word(value);
};

/** The frames of a stack, never the message, which may look like one. */
const frames = (stack: string, message = ''): string[] => {
  const from = stack.indexOf(message) + message.length;
  const lines = stack.slice(from).split('\n', 50);
  return lines.map((line) => line.trim()).filter((line) => line.startsWith('at ') && line.length < 500);
};

/** Redis begins its refusals with a code, e.g. OOM or NOREPLICAS. */
const redisCode = ({ name, message }: Error): string | undefined =>
  name === 'ReplyError' ? /^([A-Z]+)(?: |$)/.exec(message)?.[1] : undefined;

/** Class of a failure and its stack frames; a text is read as a stack. */
const failure = (value: unknown) => {
  if (!(value instanceof Error)) return { name: word(String(value).split('\n', 1)[0]), at: frames(String(value)) };
  const code = (value as NodeJS.ErrnoException).code ?? redisCode(value);
  return {
    name: word(value.name),
    ...(code === undefined ? {} : { code: word(code) }),
    at: frames(value.stack ?? '', value.message),
  };
};

/** THE FIELDS TABLE: every field a line may have, and its format. */
const FIELDS: Readonly<Record<string, (value: unknown) => unknown>> = {
  txn: word,
  txns: words,
  tenant: word,
  who: word,
  method: word,
  route: word,
  status: number,
  ms: number,
  id: identifier,
  scimType: word,
  ignored: words,
  steps: words,
  outcome: word,
  attempts: number,
  reason,
  rows: number,
  count: number,
  rule: number,
  // text that contains only settings
  setting: (value) => String(value).replaceAll(/\s+/g, ' ').slice(0, 300),
  address,
  error: failure,
};

function allowed(line: object): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(line)) {
    if (value !== undefined && Object.hasOwn(FIELDS, name)) written[name] = FIELDS[name]?.(value);
  }
  return written;
}

const NORMAL: ReadonlySet<string> = new Set(['done', 'already', 'gone', 'replan']);

/** JSON lines with `level`, `time` and `kind` on standard output, or on `destination`. */
export function createLog(options: { readonly level: string }, destination?: DestinationStream): Log {
  const lines = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
  const on = (level: SystemLevel) => lines.isLevelEnabled(level);
  return {
    request(line) {
      // an unsupported request is not our failure, yet a client is configured to send it
      const level = line.status === 501 ? 'warn' : line.status >= 500 ? 'error' : 'info';
      if (on(level)) lines[level]({ kind: 'request', ...allowed(line) });
    },
    delivery(line) {
      const level = NORMAL.has(line.outcome) ? 'info' : 'warn';
      if (on(level)) lines[level]({ kind: 'delivery', ...allowed(line) });
    },
    system(level, event, fields = {}) {
      if (on(level)) lines[level]({ kind: 'system', ...allowed(fields) }, event);
    },
  };
}
