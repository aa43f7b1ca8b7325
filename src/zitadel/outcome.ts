import type { Outcome, Unreadable } from '../bridge/ports/zitadel.ts';
import { BridgeError } from '../errors.ts';
import { explain, meaning } from './error-table.ts';
import type { Result } from './caller.ts';
import type { Failure } from './decode.ts';

/** Nothing was sent: another delivery has the row. */
export const STOPPED: Unreadable = { kind: 'retry', definite: true, cause: 'away', reason: 'lease-lost' };

/** A write that failed. */
export function outcomeOf(failure: Failure): Outcome {
  if (failure.cause === 'away') return away(failure);
  const means = meaning(failure);
  const text = explain(means, failure);
  // the log keeps only the codes
  const reason = `${failure.call}: ${failure.id || failure.code} ${text}`;
  switch (means.kind) {
    case 'already':
    case 'gone':
      return { kind: means.kind };
    case 'replan':
      return { kind: 'replan', reason };
    case 'refused': {
      const { status = 400, scimType } = means;
      return { kind: 'refused', error: new BridgeError(status, text, scimType === undefined ? {} : { scimType }) };
    }
    case 'blocked':
      return { kind: 'blocked', reason };
    case 'retry':
      return retry(failure, reason, means.definite === true);
  }
}

/** A transport error is not ZITADEL's answer: it is retried, whatever the code. */
function away(failure: Failure): Unreadable {
  const { call, code, message, unsent } = failure;
  return retry(failure, unsent ?? `${call}: ${code} ${message}`, false);
}

function retry({ fate, cause, retryAfter }: Failure, reason: string, definite: boolean): Unreadable {
  const base = { kind: 'retry', definite: definite || fate === 'never', cause, reason } as const;
  return retryAfter === undefined ? base : { ...base, retryAfter };
}

/** A read that failed because ZITADEL was unavailable: reads change nothing, so they are retried unless blocked. */
export function unreadable(failure: Failure): Unreadable {
  const outcome = outcomeOf(failure);
  if (outcome.kind === 'blocked' || outcome.kind === 'retry') return outcome;
  const { call, id, code, message, cause } = failure;
  return { kind: 'retry', definite: true, cause, reason: `${call}: ${id || code} ${message}` };
}

/** The value of a read; throws BridgeError 503 when it could not be read. */
export function must<T>(result: Result<T>): T {
  if (result.kind === 'ok') return result.value;
  if (result.kind === 'stopped') throw new BridgeError(503, 'the read was stopped', { retryAfter: 1 });
  throw unavailable(unreadable(result.failure));
}

/** The error for a failed read. */
export function unavailable(why: Unreadable): BridgeError {
  const retryAfter = why.kind === 'retry' ? (why.retryAfter ?? 1) : 10;
  return new BridgeError(503, `ZITADEL could not be read: ${why.reason}`, { retryAfter });
}
