/** BridgeError: the only error type that may reach a client. What ZITADEL's errors mean is in zitadel/error-table.ts. */

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

/** What the store keeps of one row cannot be read. The others are served; its names stay reserved. */
export class DamagedRow extends BridgeError {
  constructor(id: string, cause?: unknown) {
    const detail =
      `What the bridge keeps of ${id} is damaged: the administrator finds it by \`scim-bridge doctor\`, ` +
      'and `scim-bridge queue drop` has it read from ZITADEL again.';
    super(503, detail, { retryAfter: 60, cause });
    this.name = 'DamagedRow';
  }
}

/** The same refusal, with what was done all the same. */
export function withNote({ status, message, scimType }: BridgeError, note: string): BridgeError {
  return new BridgeError(status, `${message} (${note})`, scimType === undefined ? {} : { scimType });
}

/** The same words wherever the other user is, and whether ZITADEL said so or the bridge knew: they tell nothing of other organizations. */
export const NAME_TAKEN =
  'userName is already taken in ZITADEL. User names are unique over the whole ZITADEL instance, other organizations and letter case included: choose another one, or remove the other user.';
