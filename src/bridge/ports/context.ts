/** What every request and delivery is given. */
/** Milliseconds since 1970. */
export type Clock = () => number;

/** Makes the ids of new users (UUIDs). */
export type Ids = () => string;

/** Who asks: every use case takes one. */
export interface Context {
  readonly tenant: string;
  /** the name of the token (or of the operator's command) */
  readonly who: string;
  /** transaction id: in the log line of the request and of every delivery */
  readonly txn: string;
}
