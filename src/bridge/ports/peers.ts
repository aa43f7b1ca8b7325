/** Other processes on the same store: who lives, and what is told to them. One process alone has none. */

/** JSON-able. `topic` says what it is about. */
export interface PeerMessage {
  readonly topic: string;
  readonly body: unknown;
}

export interface Peers {
  /** the name of this process, never that of an earlier one */
  readonly own: string;
  /** Whether a process of this name has said within the last seconds that it lives. */
  alive(process: string): boolean;
  /** Tells all other processes; who is away does not hear it. */
  tell(message: PeerMessage): void;
  /** Told of what others tell. */
  listen(topic: string, hear: (body: unknown) => void): void;
}

/** Nobody else is there. */
export const ALONE: Peers = { own: '', alive: () => false, tell: () => undefined, listen: () => undefined };
