/** The shape of an operator's command. */
import type { Args, Takes } from './arguments.ts';
import type { Desk } from './desk.ts';

/** fine, something is to be mended, or the command could not be run as it was given */
export type Exit = 0 | 1 | 2;

export interface Answer {
  /** for people */
  readonly lines: readonly string[];
  /** the same as a JSON value, for programs */
  readonly value: unknown;
  readonly exit: Exit;
}

/** The one who waits for the answer. */
export interface Asker {
  /** a line about what goes on, before the answer; resolves when there is room for the next one */
  readonly progress: (line: string) => void | Promise<void>;
  /** aborted: nobody waits any more, nothing further is begun */
  readonly signal: AbortSignal;
}

export interface Verb extends Takes {
  /** as it is typed */
  readonly name: string;
  /** what it does, in one line */
  readonly about: string;
  /** Throws BridgeError: 400 what was asked makes no sense, 404 no such row, 409 nothing of that kind to be done, 503. */
  readonly run: (desk: Desk, args: Args, asker: Asker) => Promise<Answer>;
}

/** The exit code of a command that ended in an error of this status. */
export const exitOf = (status: number): 1 | 2 => (status === 409 ? 1 : 2);
