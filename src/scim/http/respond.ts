/** Answers as values, and their serialisation. */
import type { Response } from 'express';

export interface Answer {
  readonly status: number;
  /** the bytes of a large body, instead of `body` */
  readonly pieces?: readonly Buffer[];
  /** absent, like `pieces`: no body (204, 304) */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** called when the connection is finished: true if the whole answer was sent */
  readonly ended?: (delivered: boolean) => void;
}

/** Writes the answer. Express' own res.json would hash every body for an ETag that is not the resource's version. */
export function send(res: Response, answer: Answer, mediaType: string): void {
  const { ended } = answer;
  if (ended !== undefined) {
    if (res.closed) ended(false);
    else res.once('close', () => ended(res.writableFinished));
  }
  const headers: Record<string, string | number> = { ...answer.headers };
  if (answer.pieces !== undefined) {
    headers['Content-Type'] = mediaType;
    headers['Content-Length'] = answer.pieces.reduce((sum, { length }) => sum + length, 0);
    res.writeHead(answer.status, headers);
    void write(res, answer.pieces);
    return;
  }
  if (answer.body === undefined) {
    res.writeHead(answer.status, headers).end();
    return;
  }
  const text = JSON.stringify(answer.body);
  headers['Content-Type'] = mediaType;
  headers['Content-Length'] = Buffer.byteLength(text);
  res.writeHead(answer.status, headers).end(text); // as text it leaves in one write with the head
}

/** Small answers are sent in one write; large ones only as fast as the client reads. */
const AT_ONCE_BYTES = 256 * 1024;

async function write(res: Response, pieces: readonly Buffer[]): Promise<void> {
  let some: Buffer[] = [];
  let size = 0;
  for (const piece of pieces) {
    some.push(piece);
    size += piece.length;
    if (size < AT_ONCE_BYTES) continue;
    const isFull = !res.write(Buffer.concat(some));
    [some, size] = [[], 0];
    if (isFull && !(await drained(res))) return;
  }
  res.end(Buffer.concat(some));
}

/** False: the client has gone. */
function drained(res: Response): Promise<boolean> {
  if (res.closed || res.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (isOpen: boolean) => (): void => {
      res.off('drain', onDrain).off('close', onClose);
      resolve(isOpen);
    };
    const onDrain = end(true);
    const onClose = end(false);
    res.on('drain', onDrain).on('close', onClose);
  });
}
