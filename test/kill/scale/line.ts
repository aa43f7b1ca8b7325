/** The line of clients that know several bridges: who is not let in at one goes to the next. */
import { setTimeout as pause } from 'node:timers/promises';
import { createLine, type Reply, type Send } from '../line.ts';

/** Retry-After in small, ms: nobody lets it in. */
const AGAIN = 200;

/** @param bases of the bridges, each is the first one in its turn */
export function createLines(bases: readonly string[]): Send {
  const lines = bases.map(createLine);
  let turn = 0;
  return async (request) => {
    turn += 1;
    let refused: Reply = { kind: 'unsent' };
    for (let tried = 0; tried < lines.length; tried += 1) {
      const reply: Reply = (await lines[(turn + tried) % lines.length]?.(request)) ?? refused;
      if (!isRefused(reply)) return reply;
      if (reply.kind === 'answer') refused = reply;
      // the client repeats it itself: it knows that 404 may then be the answer to what is done
      if (reply.kind === 'answer' && request.method === 'DELETE') return reply;
    }
    if (refused.kind === 'answer') await pause(AGAIN);
    return refused;
  };
}

const isRefused = (reply: Reply): boolean =>
  reply.kind === 'unsent' || (reply.kind === 'answer' && reply.status === 503);
