/** Answers as values, and how they become bytes. */
import type { Response } from 'express';

export interface Answer {
  readonly status: number;
  /** absent: no body (204, 304) */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** called when the connection is done with: true when the whole answer has left this process for the network */
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
  if (answer.body === undefined) {
    res.writeHead(answer.status, headers).end();
    return;
  }
  const text = JSON.stringify(answer.body);
  headers['Content-Type'] = mediaType;
  headers['Content-Length'] = Buffer.byteLength(text);
  res.writeHead(answer.status, headers).end(text); // as text it leaves in one write with the head
}
