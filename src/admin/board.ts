/** GET /admin/queues: a read-only bull-board for bearers of ADMIN_TOKEN. Jobs only wake workers; rows hold changes. */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { Queue } from 'bullmq';
import { Router } from 'express';
import type { Key } from '../bridge/row/types.ts';
import { type AdminToken, allowed, send } from './admin-token.ts';

export interface BoardOptions extends AdminToken {
  readonly jobs: readonly { readonly tenant: string; readonly queue: Queue }[];
  /** the row of a job */
  readonly rowOf: (deduplicationId: string | undefined) => Key | undefined;
  /** Redis answers */
  readonly isThere: () => boolean;
}

export const BOARD_PATH = '/admin/queues';

/** Nothing from other hosts: the Google font its page loads is removed. */
const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Answers 404 if no token is set, 401 without the right one, 405 to writes, 503 while Redis does not answer. */
export function createBoard({ jobs, rowOf, isThere, ...token }: BoardOptions): Router {
  const board = new ExpressAdapter().setBasePath(BOARD_PATH);
  createBullBoard({
    queues: jobs.map(({ tenant, queue }) => {
      const adapter = new BullMQAdapter(queue, { readOnlyMode: true, displayName: tenant });
      adapter.setFormatter('name', (job: { deduplicationId?: string }) => rowOf(job.deduplicationId)?.id ?? 'row');
      return adapter;
    }),
    serverAdapter: board,
    options: { uiConfig: { boardTitle: 'scim-bridge', hideRedisDetails: true, hideDocsLink: true } },
  });
  const router = Router();
  router.use(BOARD_PATH, (request, response, next) => {
    if (!allowed(request, response, token)) return;
    response.set({ 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer' });
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.set('Allow', 'GET, HEAD');
      send(response, 405, 'this board is read-only; to change pending changes: scim-bridge queue');
    } else if (isThere()) next();
    else send(response, 503, 'Redis does not answer');
  });
  router.use(BOARD_PATH, board.getRouter());
  return router;
}
