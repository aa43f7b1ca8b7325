/** BridgeError: the one error type that may reach a client. Kinds and statuses stand in THE ERROR TABLE below. */

/** scimType values of RFC 7644 §3.12, table 9. */
export type ScimErrorType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive';

export interface BridgeErrorOptions {
  readonly scimType?: ScimErrorType;
  /** whole seconds, sent as Retry-After */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An answer other than success: HTTP status, a detail that tells an administrator what to do, and the scimType. */
export class BridgeError extends Error {
  readonly status: number;
  readonly scimType: ScimErrorType | undefined;
  readonly retryAfter: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, options: BridgeErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'BridgeError';
    this.status = status;
    this.scimType = options.scimType;
    this.retryAfter = options.retryAfter;
    this.headers = options.headers ?? {};
  }
}
