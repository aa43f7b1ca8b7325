/** Other processes on the same store: which are alive, and messages to them. A single process has none. */

/** JSON-able. `topic` says what it is about. */
export interface PeerMessage {
  readonly topic: string;
  readonly body: unknown;
}

export interface Peers {
  /** the name of this process, never that of an earlier one */
  readonly own: string;
  /** Whether a process of this name has reported within the last seconds that it is alive. */
  alive(process: string): boolean;
  /** Sends to all other processes; disconnected ones do not receive it. */
  tell(message: PeerMessage): void;
  /** Called for messages of other processes. */
  listen(topic: string, hear: (body: unknown) => void): void;
}

/** There are no other processes. */
export const ALONE: Peers = { own: '', alive: () => false, tell: () => undefined, listen: () => undefined };
