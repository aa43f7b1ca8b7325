/** Unknown routes, and errors outside of a route: also as SCIM errors (RFC 7644 §3.12). */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { BridgeError } from '../../errors.ts';
import { errorAnswer } from './errors.ts';
import { answerType } from './media-type.ts';
import { send } from './respond.ts';

function refuse(req: Request, res: Response, error: unknown): void {
  send(res, errorAnswer(error), answerType(req.headers.accept, undefined));
}

export const notFound: RequestHandler = (req, res) =>
  refuse(req, res, new BridgeError(404, 'there is nothing at this path: the base URL ends in /scim/v2'));

/** No new requests while the process stops; another process, or the next, answers. */
export const refusedWhen =
  (isEnding: () => boolean): RequestHandler =>
  (req, res, next) => {
    if (!isEnding()) next();
    else refuse(req, res.set('Connection', 'close'), ENDING);
  };

const ENDING = new BridgeError(503, 'the bridge is being stopped; try again', { retryAfter: 5 });

/** express recognises an error handler by its four parameters. */
export const failed: ErrorRequestHandler = (error, req, res, _next) => {
  if (res.headersSent) res.destroy();
  else refuse(req, res, error);
};
