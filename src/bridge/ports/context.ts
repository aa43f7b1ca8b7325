/** The context of every request and delivery. */
/** Milliseconds since 1970. */
export type Clock = () => number;

/** Creates the ids of new users (UUIDs). */
export type Ids = () => string;

/** The caller: every use case takes one. */
export interface Context {
  readonly tenant: string;
  /** the name of the token (or of the operator's command) */
  readonly who: string;
  /** transaction id: in the log line of the request and of every delivery */
  readonly txn: string;
}
