/** Health checks: is the process alive, can it serve, how is it doing. No token is needed. */
import express, { type Express, type RequestHandler, Router } from 'express';

/** Why requests cannot be served. */
export interface NotReady {
  readonly tenant?: string | undefined;
  readonly reason: string;
}

export interface HealthParts {
  /** empty: requests can be served */
  readonly notReady: () => readonly NotReady[];
  /** absent: /metrics has its own port */
  readonly scrape?: Scrape | undefined;
}

export type Scrape = () => Promise<{ readonly type: string; readonly body: string }>;

/** Seconds after which to ask again. */
const AGAIN = '5';

/** GET /healthz (the process), /readyz (requests can be served; 503 with the reasons when not) and, unless it has a port of its own, /metrics. */
export function createHealth({ notReady, scrape }: HealthParts): Router {
  const router = Router();
  router.use(['/healthz', '/readyz'], (_request, response, next) => {
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
  if (scrape !== undefined) router.get('/metrics', metrics(scrape));
  return router;
}

/** /metrics alone, for a port that clients cannot reach. */
export function createMetricsApp(scrape: Scrape): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/metrics', metrics(scrape));
  app.use((_request, response) => void response.status(404).type('text').send('only /metrics is here\n'));
  return app;
}

const metrics =
  (scrape: Scrape): RequestHandler =>
  async (_request, response) => {
    const { type, body } = await scrape();
    response.set({ 'Content-Type': type, 'Cache-Control': 'no-store' }).send(body);
  };
