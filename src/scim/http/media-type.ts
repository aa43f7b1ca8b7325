/** Media types in and out (RFC 7644 §3.1, §8.1). */
import type { IncomingHttpHeaders } from 'node:http';
import { BridgeError } from '../../errors.ts';

const SCIM_JSON = 'application/scim+json';
const JSON_TYPE = 'application/json';

/** `text/json` is no registered type, but older clients send it (clients: common rules). */
const ACCEPTED = new Set([SCIM_JSON, JSON_TYPE, 'text/json']);
const CHARSETS = new Set(['utf-8', 'utf8', 'us-ascii']);

/**
 * The type of an answer: what the tenant set, else application/json for a client that accepts exactly that (OneLogin), else
 * application/scim+json, whatever Accept says: RFC 7644 §3.8 lets a client name other types, none of which could carry an answer.
 */
export function answerType(accept: string | undefined, tenant?: string): string {
  return tenant ?? (accept?.trim().toLowerCase() === JSON_TYPE ? JSON_TYPE : SCIM_JSON);
}

/** Throws 415 for a body that is not JSON in UTF-8. A body without any type is read as JSON. */
export function checkBodyType(headers: IncomingHttpHeaders): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? SCIM_JSON)
    .split(';')
    .map((part) => part.trim().toLowerCase());
  if (!ACCEPTED.has(type)) throw new BridgeError(415, `Content-Type must be ${SCIM_JSON} or ${JSON_TYPE}`);
  const charset = parameters
    .find((each) => each.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (charset !== undefined && !CHARSETS.has(charset))
    throw new BridgeError(415, 'the charset of Content-Type must be utf-8');
}
