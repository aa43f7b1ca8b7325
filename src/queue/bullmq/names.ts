import type { Key } from '../../bridge/row/types.ts';

/** Every key of the queue begins with it. */
export const PREFIX = 'scim-queue';

/** The BullMQ queue of a tenant; BullMQ allows no ":" in it. */
export const queueName = (tenant: string): string => `{${tenant}}`;

/** Set while ZITADEL is just back for a tenant. */
export const pulledKey = (tenant: string): string => `${PREFIX}-pulled:${queueName(tenant)}`;

/**
 * The deduplication id of a row's job, and all that a job says. It is not the job id: an add with a job id that exists is dropped
 * by BullMQ 6.7.0 before it looks at `reschedule` and `keepLastIfActive`.
 */
export const idOf = ({ tenant, id }: Key): string => Buffer.from(`${tenant}\n${id}`).toString('base64url');

/** The row of a job; undefined: it is none of ours. */
export function keyOf(deduplicationId: string | undefined): Key | undefined {
  const text = Buffer.from(deduplicationId ?? '', 'base64url').toString();
  const at = text.indexOf('\n');
  return at < 1 ? undefined : { tenant: text.slice(0, at), id: text.slice(at + 1) };
}
