/** What a supervisor asks: does the process live, can it serve, how is it doing. No token is needed. */
import { Router } from 'express';

/** Why requests can not be served. */
export interface NotReady {
  readonly tenant?: string | undefined;
  readonly reason: string;
}

export interface HealthParts {
  /** empty: requests can be served */
  readonly notReady: () => readonly NotReady[];
  readonly scrape: () => Promise<{ readonly type: string; readonly body: string }>;
}

/** Seconds after which asking again makes sense. */
const AGAIN = '5';

/** GET /healthz (the process), /readyz (requests can be served; 503 with the reasons when not) and /metrics. */
export function createHealth({ notReady, scrape }: HealthParts): Router {
  const router = Router();
  router.use(['/healthz', '/readyz', '/metrics'], (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', (_request, response) => {
    const reasons = notReady();
    if (!reasons.length) {
      response.json({ status: 'ready' });
      return;
    }
    response.status(503).set('Retry-After', AGAIN).json({ status: 'not ready', reasons });
  });
  router.get('/metrics', async (_request, response) => {
    const { type, body } = await scrape();
    response.set('Content-Type', type).send(body);
  });
  return router;
}
