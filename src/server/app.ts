/** The express app: health beside SCIM. Builds it, never listens. */
import express, { type Express, type Router } from 'express';
import helmet from 'helmet';
import { failed, notFound, refusedWhen } from '../scim/http/fallback.ts';

export interface AppParts {
  readonly scim: Router;
  readonly health: Router;
  /** the status page */
  readonly page: Router;
  /** the jobs of many processes */
  readonly board?: Router | undefined;
  /** the process is stopping: new requests are refused, and their connections closed */
  readonly isEnding: () => boolean;
  readonly trustProxy: boolean | number | readonly string[];
}

export function createApp({ scim, health, page, board, trustProxy, isEnding }: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag'); // SCIM resources have their own (RFC 7644 §3.14)
  app.set('trust proxy', typeof trustProxy === 'object' ? [...trustProxy] : trustProxy);
  app.use(helmet());
  app.use(health);
  app.use(page);
  if (board !== undefined) app.use(board);
  app.use('/scim', refusedWhen(isEnding));
  app.use('/scim/v2', scim);
  app.use('/scim', notFound, failed);
  return app;
}
