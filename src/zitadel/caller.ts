/** One call to ZITADEL on behalf of a tenant: slot, token, deadline, and what became of it. */
import type { CallOptions } from '@connectrpc/connect';
import type { Lane } from './bulkhead.ts';
import type { Connection } from './connection.ts';
import { decode, type Failure } from './decode.ts';
import type { Tokens } from './token.ts';

/** How long the bridge waits for an answer, in ms. */
export interface Limits {
  readonly readMs: number;
  readonly writeMs: number;
  /** for a slot; default 10 s */
  readonly slotMs?: number;
}

/** Longer than ZITADEL's own 15 s for a write would only keep the slot. */
export const LIMITS: Limits = { readMs: 5_000, writeMs: 15_000 };

const SLOT_MS = 10_000;

/** Told of every call that was made, for metrics. outcome: ok, or the id (else the code) of the error. */
export type OnCall = (call: { readonly call: string; readonly ms: number; readonly outcome: string }) => void;

export type Result<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** `proceed` said no: nothing was sent */
  | { readonly kind: 'stopped' };

export interface CallSpec {
  /** method name */
  readonly name: string;
  readonly effect: 'read' | 'write';
  readonly lane?: Lane;
  /** asked once a slot is free, right before the call */
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
}

export function createCaller({ connection, organization, tokens, limits, onCall }: CallerOptions): Call {
  async function attempt<T>(
    spec: CallSpec,
    send: (options: CallOptions) => Promise<T>,
    again: boolean,
  ): Promise<Result<T>> {
    const held = await tokens.get();
    if (held.kind === 'failed') return held;
    if (spec.proceed !== undefined && !(await spec.proceed())) return { kind: 'stopped' };
    const headers = { authorization: `Bearer ${held.token}`, 'x-zitadel-orgid': organization };
    const deadline = new AbortController();
    const ms = spec.effect === 'read' ? limits.readMs : limits.writeMs;
    // never timeoutMs: a deadline that ends on the server gives false answers (measured)
    const timer = setTimeout(() => deadline.abort(), ms);
    const from = performance.now();
    try {
      const value = await send({ headers, signal: deadline.signal });
      onCall?.({ call: spec.name, ms: performance.now() - from, outcome: 'ok' });
      return { kind: 'ok', value };
    } catch (error) {
      if (deadline.signal.aborted) connection.session.silentSince(from);
      const failure = failureOf(spec, error, deadline.signal.aborted ? ms : undefined);
      onCall?.({ call: spec.name, ms: performance.now() - from, outcome: failure.id || failure.code });
      if (again && failure.code === 'UNAUTHENTICATED' && tokens.refused(held.token))
        return await attempt(spec, send, false);
      return { kind: 'failed', failure };
    } finally {
      clearTimeout(timer);
    }
  }

  return async (spec, send) => {
    const { lane = 'request' } = spec;
    const result = await connection.bulkhead.run(lane, limits.slotMs ?? SLOT_MS, () => attempt(spec, send, true));
    return result ?? noSlot(spec);
  };
}

function noSlot({ name: call }: CallSpec): { readonly kind: 'failed'; readonly failure: Failure } {
  const message = 'no slot came free: ZITADEL is slow';
  return { kind: 'failed', failure: { call, code: 'UNAVAILABLE', id: null, message, fate: 'never' } };
}

/** @param cutOff the deadline in ms, when it ended: whatever was thrown then came from our own hand */
function failureOf({ name, keys }: CallSpec, error: unknown, cutOff: number | undefined): Failure {
  const failure = decode(name, error);
  const counted = keys === undefined ? failure : { ...failure, keys };
  if (cutOff === undefined || failure.fate === 'never') return counted;
  return { ...counted, code: 'CANCELED', id: null, message: `no answer within ${cutOff} ms`, fate: 'unknown' };
}
