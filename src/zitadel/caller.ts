/** One call to ZITADEL on behalf of a tenant: slot, token, deadline, and result. */
import type { CallOptions } from '@connectrpc/connect';
import { meaning } from './error-table.ts';
import type { Lane } from './bulkhead.ts';
import type { Trial } from './breaker.ts';
import type { Connection } from './connection.ts';
import { decode, type Failure } from './decode.ts';
import type { Tokens } from './token.ts';

/** How long the bridge waits for an answer, and for a slot, in ms. */
export interface Limits {
  readonly readMs: number;
  readonly writeMs: number;
  readonly slotMs: number;
}

/** Waiting longer than ZITADEL's own 15 s for a write would only occupy the slot. */
export const LIMITS: Limits = { readMs: 5_000, writeMs: 15_000, slotMs: 10_000 };

/** Called after every call, for metrics. outcome: ok, or the id (else the code) of the error. */
export type OnCall = (call: { readonly call: string; readonly ms: number; readonly outcome: string }) => void;

export type Result<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** `proceed` returned false: nothing was sent */
  | { readonly kind: 'stopped' };

export interface CallSpec {
  /** method name */
  readonly name: string;
  readonly effect: 'read' | 'write';
  /** the user it is about */
  readonly user?: string;
  readonly lane?: Lane;
  /** calls with the same value run one at a time, across all tenants of the connection */
  readonly alone?: string;
  /** needs no slot and ignores the breaker: to check whether ZITADEL is up */
  readonly urgent?: true;
  /** checked once a slot is free, right before the call */
  readonly proceed?: () => Promise<boolean>;
  /** how many metadata keys the call names */
  readonly keys?: number;
}

export type Call = <T>(spec: CallSpec, send: (options: CallOptions) => Promise<T>) => Promise<Result<T>>;

export interface CallerOptions {
  readonly connection: Connection;
  readonly organization: string;
  readonly tokens: Tokens;
  readonly limits: Limits;
  readonly onCall?: OnCall | undefined;
  /** Called when ZITADEL refused the token, or denied it permission. */
  readonly onBlocked?: () => void;
}

export function createCaller(options: CallerOptions): Call {
  const { connection, organization, tokens, limits, onCall, onBlocked } = options;
  const { breaker, bulkhead, session } = connection;
  const isShut = ({ urgent }: CallSpec): boolean => urgent !== true && breaker.open() !== undefined;

  async function attempt<T>(
    spec: CallSpec,
    send: (options: CallOptions) => Promise<T>,
    again: boolean,
  ): Promise<Result<T>> {
    if (isShut(spec)) return unsent(spec, 'breaker-open');
    const trial = breaker.begin(spec.user ?? spec.name);
    const held = await tokens.get();
    if (held.kind === 'failed') {
      tell(trial, held.failure);
      return held;
    }
    if (spec.proceed !== undefined && !(await spec.proceed())) return { kind: 'stopped' };
    if (isShut(spec)) return unsent(spec, 'breaker-open');
    const headers = { authorization: `Bearer ${held.token}`, 'x-zitadel-orgid': organization };
    const deadline = new AbortController();
    const ms = spec.effect === 'read' ? limits.readMs : limits.writeMs;
    // never timeoutMs: a deadline that ends on the server gives wrong answers (measured)
    const timer = setTimeout(() => deadline.abort(), ms);
    const from = performance.now();
    try {
      const value = await send({ headers, signal: deadline.signal });
      trial.answered();
      onCall?.({ call: spec.name, ms: performance.now() - from, outcome: 'ok' });
      return { kind: 'ok', value };
    } catch (error) {
      if (deadline.signal.aborted) session.silentSince(from);
      const failure = failureOf(spec, error, deadline.signal.aborted ? ms : undefined);
      tell(trial, failure, deadline.signal.aborted);
      onCall?.({ call: spec.name, ms: performance.now() - from, outcome: failure.id || failure.code });
      if (again && failure.code === 'UNAUTHENTICATED' && tokens.refused(held.token))
        return await attempt(spec, send, false);
      return { kind: 'failed', failure };
    } finally {
      clearTimeout(timer);
    }
  }

  async function inTurn<T>(spec: CallSpec, send: (options: CallOptions) => Promise<T>): Promise<Result<T>> {
    if (spec.urgent === true) return await attempt(spec, send, true);
    if (isShut(spec)) return unsent(spec, 'breaker-open');
    const caller = { tenant: organization, lane: spec.lane ?? 'request' };
    const inSlot = (): Promise<Result<T> | undefined> =>
      bulkhead.run(caller, limits.slotMs, () => attempt(spec, send, true));
    // a call waiting for its turn takes no slot from others
    const result = await (spec.alone === undefined
      ? inSlot()
      : connection.alone(spec.alone).run({ ...caller, lane: 'request' }, limits.slotMs, inSlot));
    return result ?? unsent(spec, isShut(spec) ? 'breaker-open' : 'no-slot');
  }

  return async (spec, send) => {
    const result = await inTurn(spec, send);
    if (result.kind === 'failed' && isBlocked(result.failure)) onBlocked?.();
    return result;
  };
}

const isBlocked = (failure: Failure): boolean => failure.cause !== 'away' && meaning(failure).kind === 'blocked';

/** @param silent the deadline ended it */
function tell(trial: Trial, { cause, call, code, message }: Failure, silent = false): void {
  if (cause !== 'away') return trial.answered();
  const reason = `${call}: ${code} ${message}`;
  if (silent) trial.silent(reason);
  else trial.broken(reason);
}

function unsent({ name: call }: CallSpec, why: NonNullable<Failure['unsent']>) {
  const failure: Failure = {
    call,
    code: 'UNAVAILABLE',
    id: null,
    message: why,
    fate: 'never',
    cause: 'away',
    unsent: why,
  };
  return { kind: 'failed', failure } as const;
}

/** @param cutOff the deadline in ms, if it ended the call: then we caused the error ourselves */
function failureOf({ name, keys }: CallSpec, error: unknown, cutOff: number | undefined): Failure {
  const failure = decode(name, error);
  const counted = keys === undefined ? failure : { ...failure, keys };
  if (cutOff === undefined || failure.fate === 'never') return counted;
  const message = `no answer within ${cutOff} ms`;
  return { ...counted, code: 'CANCELED', id: null, message, fate: 'unknown', cause: 'away' };
}
