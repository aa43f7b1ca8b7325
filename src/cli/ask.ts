/** Sends a command to the running bridge, over its admin socket. */
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Line } from '../admin/socket.ts';
import type { Answer, Exit } from '../admin/verb.ts';

/** The command could not be run; the message says why and what to do. */
export class Refused extends Error {
  readonly exit: Exit;

  constructor(message: string, exit: Exit) {
    super(message);
    this.name = 'Refused';
    this.exit = exit;
  }
}

export interface Question {
  /** path of the socket */
  readonly socket: string;
  /** as it is typed: `queue list` */
  readonly verb: string;
  readonly args: object;
  readonly progress: (line: string) => void;
}

/** The answer; undefined when no bridge listens there. Throws Refused. */
export async function ask({ socket, verb, args, progress }: Question): Promise<Answer | undefined> {
  try {
    return await answer(socket, `/${verb.replaceAll(' ', '/')}`, JSON.stringify(args), progress);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // no file, or a file left by a killed process
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    if (code === 'EACCES' || code === 'EPERM')
      throw new Refused(`${socket} may not be opened: run this as the user of the bridge`, 2);
    throw error;
  }
}

async function answer(
  socketPath: string,
  path: string,
  body: string,
  progress: (line: string) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new Refused('the bridge ended before it had answered: run the command again', 2));
    const asked = request({ socketPath, path, method: 'POST', agent: false }, (response) => {
      const lines = createInterface({ input: response });
      lines.on('line', (text) => {
        const line = JSON.parse(text) as Line;
        if ('progress' in line) progress(line.progress);
        else if ('error' in line) reject(new Refused(line.error, line.exit));
        else resolve(line);
      });
      // after the last line this changes nothing
      lines.on('close', lost);
      response.on('error', lost);
    });
    asked.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? lost() : reject(error)));
    asked.end(body);
  });
}
