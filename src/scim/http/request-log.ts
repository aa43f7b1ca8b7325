/** One line per request, with only what may be logged. Never bodies, values or tokens. */

export interface RequestLine {
  readonly method: string;
  /** template of the route, e.g. /Users/:id; undefined when none fits */
  readonly route: string | undefined;
  /** 499: the client hung up before the answer */
  readonly status: number;
  /** milliseconds */
  readonly duration: number;
  readonly txn: string;
  readonly tenant: string | undefined;
  /** name of the token */
  readonly who: string | undefined;
  /** id of the user or group, where the route or the answer names one */
  readonly id: string | undefined;
  readonly scimType: string | undefined;
  /** names of attributes that were passed over: no schema has them */
  readonly ignored: readonly string[];
  /** where the bridge itself failed: name of the error and stack frames */
  readonly crash: string | undefined;
}

export type RequestLog = (line: RequestLine) => void;
