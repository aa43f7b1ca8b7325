import type { Socket } from 'node:net';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@zitadel/proto/zitadel/message_pb.js';

/** One injected fault, as POST /sandbox/faults takes it. All times in milliseconds. */
export interface Fault {
  readonly mode?: 'ok' | 'down' | 'slow' | 'error' | 'lose' | 'empty';
  /** Only calls of this method, or of this service when it holds a dot. */
  readonly method?: string;
  /** Only each n-th matching call. */
  readonly every?: number;
  /** Only this many calls, then it is removed. */
  readonly times?: number;
  /** Only with this probability, 0-1. */
  readonly p?: number;
  /**
   * slow: delay before the call is applied; down: time until up again. lose: reads lose the user that the call wrote to
   * (lost.ts), for ms or for good. empty: the call is applied and answered by a message without content.
   */
  readonly ms?: number;
  /** error: the name of the code, UNAVAILABLE when absent; id and message of its ErrorDetail. */
  readonly code?: string;
  readonly id?: string;
  readonly message?: string;
  /** error: seconds, sent as Retry-After header. */
  readonly retryAfter?: number;
  /** error: answer as a proxy in front would, with this HTTP status and a text. */
  readonly status?: number;
  /** error: apply the call anyway. */
  readonly afterApply?: boolean;
  /** Cut the connection instead of answering: before the call is applied, or after. */
  readonly dropBefore?: boolean;
  readonly dropAfter?: boolean;
  /** Never answer; with hangMs the call is applied after that time, without it never. */
  readonly hang?: boolean;
  readonly hangMs?: number;
}

/** What happens to one call. */
export interface Fate {
  readonly delay: number;
  readonly apply: boolean;
  readonly end: 'answer' | 'drop' | 'hang';
  readonly error?: ConnectError;
  readonly status?: number;
  readonly retryAfter?: number;
  /** Reads lose the user written to, for this many ms (Infinity: for good). */
  readonly loses?: number;
  /** Answered by a message without content. */
  readonly empty?: true;
}

export interface Faults {
  isDown(): boolean;
  /** The fate of the next call of service/method. */
  next(service: string, method: string): Fate;
  /** asker: the connection that asked for it, which stays when the server goes down. */
  replace(faults: readonly Fault[], asker?: Socket): void;
  current(): readonly Fault[];
}

const FINE: Fate = { delay: 0, apply: true, end: 'answer' };

/** now: milliseconds. onDown: called when the server goes down, to cut what is connected. */
export function createFaults(now: () => number, random: () => number, onDown: (asker?: Socket) => void): Faults {
  let active: { readonly fault: Fault; calls: number; hits: number }[] = [];
  let downUntil = 0;

  function concerns(entry: (typeof active)[number], service: string, method: string): boolean {
    const { fault } = entry;
    if (fault.mode === 'down') return false;
    if (fault.method && fault.method !== method && fault.method !== service) return false;
    entry.calls += 1;
    if (fault.every && entry.calls % fault.every !== 0) return false;
    if (fault.p !== undefined && random() >= fault.p) return false;
    if (fault.times !== undefined && entry.hits >= fault.times) return false;
    entry.hits += 1;
    return true;
  }

  return {
    isDown: () => now() < downUntil,
    current: () => active.map(({ fault }) => fault),
    next(service, method) {
      if (active.length === 0) return FINE;
      return active
        .filter((entry) => concerns(entry, service, method))
        .reduce<Fate>((fate, { fault }) => join(fate, fault), FINE);
    },
    replace(faults, asker) {
      active = faults.filter(({ mode }) => mode !== 'ok').map((fault) => ({ fault, calls: 0, hits: 0 }));
      const down = faults.find(({ mode }) => mode === 'down');
      downUntil = down ? (down.ms === undefined ? Number.POSITIVE_INFINITY : now() + down.ms) : 0;
      if (down) onDown(asker);
    },
  };
}

/** Adds one fault to a fate: delays add up, the first ending other than an answer stays. */
function join(fate: Fate, fault: Fault): Fate {
  if (fate.end !== 'answer' || fate.error || fate.status) return fate;
  if (fault.mode === 'lose') return { ...fate, loses: fault.ms ?? Number.POSITIVE_INFINITY };
  if (fault.mode === 'empty') return { ...fate, empty: true };
  const delay = fate.delay + (fault.mode === 'slow' ? (fault.ms ?? 0) : 0);
  if (fault.hang)
    return { ...fate, delay: delay + (fault.hangMs ?? 0), apply: fault.hangMs !== undefined, end: 'hang' };
  if (fault.dropBefore) return { ...fate, delay, apply: false, end: 'drop' };
  if (fault.dropAfter) return { ...fate, delay, apply: true, end: 'drop' };
  if (fault.mode !== 'error') return { ...fate, delay };
  const { status, retryAfter } = fault;
  const apply = fault.afterApply ?? false;
  const wait = delay + (fault.ms ?? 0);
  if (status)
    return { ...fate, delay: wait, apply, end: 'answer', status, ...(retryAfter === undefined ? {} : { retryAfter }) };
  return { ...fate, delay: wait, apply, end: 'answer', error: errorOf(fault) };
}

function errorOf({ code = 'UNAVAILABLE', id, message = 'injected fault', retryAfter }: Fault): ConnectError {
  const name = code.replace(/(?:^|_)([A-Z])([A-Z]*)/g, (_, first: string, rest: string) => first + rest.toLowerCase());
  const confirmed = Code[name as keyof typeof Code] ?? Code.Unknown;
  const headers = retryAfter === undefined ? undefined : { 'retry-after': String(retryAfter) };
  const details = id === undefined ? undefined : [{ desc: ErrorDetailSchema, value: { id, message } }];
  return new ConnectError(id ? `${message} (${id})` : message, confirmed, headers, details);
}
