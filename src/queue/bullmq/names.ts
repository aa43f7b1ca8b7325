import type { Key } from '../../bridge/row/types.ts';

/** Prefix of all the queue's keys. */
export const PREFIX = 'scim-queue';

/** The BullMQ queue of a tenant; BullMQ allows no ":" in it. */
export const queueName = (tenant: string): string => `{${tenant}}`;

/** Set while ZITADEL is just back for a tenant. */
export const pulledKey = (tenant: string): string => `${PREFIX}-pulled:${queueName(tenant)}`;

/**
 * The deduplication id of a row's job, and its whole payload. It is not the job id: BullMQ 6.7.0 drops an add with an
 * existing job id before it looks at `reschedule` and `keepLastIfActive`.
 */
export const idOf = ({ tenant, id }: Key): string => Buffer.from(`${tenant}\n${id}`).toString('base64url');

/** The row of a job; undefined: not one of our jobs. */
export function keyOf(deduplicationId: string | undefined): Key | undefined {
  const text = Buffer.from(deduplicationId ?? '', 'base64url').toString();
  const at = text.indexOf('\n');
  return at < 1 ? undefined : { tenant: text.slice(0, at), id: text.slice(at + 1) };
}
