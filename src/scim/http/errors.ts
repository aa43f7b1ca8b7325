/** Errors as SCIM answers (RFC 7644 §3.12). */
import { Messages } from 'scimmy';
import { BridgeError } from '../../errors.ts';
import type { Answer } from './respond.ts';

/** An error as clients see it. Anything that is not a BridgeError is a crash, whose text is not shown. */
export function errorAnswer(thrown: unknown): Answer {
  const error =
    thrown instanceof BridgeError
      ? thrown
      : new BridgeError(500, 'the bridge failed on this request; its log holds the reason');
  return {
    status: error.status,
    headers: {
      ...error.headers,
      ...(error.retryAfter !== undefined && { 'Retry-After': String(Math.max(1, Math.ceil(error.retryAfter))) }),
    },
    body: {
      schemas: [Messages.ErrorResponse.id],
      status: String(error.status),
      ...(error.scimType !== undefined && { scimType: error.scimType }),
      detail: error.message,
    },
  };
}

/** Where a crash happened, without its message, which may quote a value: for the log. */
export function crashSite(thrown: unknown): string | undefined {
  if (thrown instanceof BridgeError) return undefined;
  if (!(thrown instanceof Error)) return `thrown: ${typeof thrown}`;
  // a message of several lines may look like a stack
  const [, stack = ''] = thrown.stack?.split(thrown.message || thrown.name, 2) ?? [];
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return [thrown.name, ...frames].join('\n');
}
