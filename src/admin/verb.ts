/** The shape of an operator's command. */
import type { Args, Takes } from './arguments.ts';
import type { Desk } from './desk.ts';

/** OK, needs attention, or invalid usage */
export type Exit = 0 | 1 | 2;

export interface Answer {
  /** for people */
  readonly lines: readonly string[];
  /** the same as a JSON value, for programs */
  readonly value: unknown;
  readonly exit: Exit;
}

/** The caller waiting for the answer. */
export interface Asker {
  /** a progress line before the answer; resolves when there is room for the next one */
  readonly progress: (line: string) => void | Promise<void>;
  /** aborted: the caller has gone, nothing further is started */
  readonly signal: AbortSignal;
}

export interface Verb extends Takes {
  /** as it is typed */
  readonly name: string;
  /** what it does, in one line */
  readonly about: string;
  /** Throws BridgeError: 400 invalid request, 404 no such row, 409 nothing to do, 503. */
  readonly run: (desk: Desk, args: Args, asker: Asker) => Promise<Answer>;
}

/** The exit code of a command that failed with this status. */
export const exitOf = (status: number): 1 | 2 => (status === 409 ? 1 : 2);
