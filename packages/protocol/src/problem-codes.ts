/**
 * Every reason for which the coordinator refuses a call. Codes are stable: programs may switch on them.
 * The value is the HTTP status that goes with the code.
 */
export const PROBLEM_STATUS = {
  'bad-request': 400,
  'invalid-metadata': 400,
  'payload-mismatch': 400,
  'part-number-out-of-range': 400,
  'part-size-mismatch': 400,
  'encryption-unsupported': 400,
  'encryption-required': 400,
  'customer-key-needed': 400,
  'customer-key-mismatch': 400,
  'object-options-unsupported': 400,
  'rotation-unsupported': 400,
  'token-missing': 401,
  'token-expired': 401,
  unauthorized: 401,
  'token-invalid': 403,
  'quota-exceeded': 403,
  'encryption-not-allowed': 403,
  'object-options-not-allowed': 403,
  'route-not-found': 404,
  'upload-not-found': 404,
  'rotation-not-found': 404,
  'method-not-allowed': 405,
  'create-conflict': 409,
  'opening-unknown': 409,
  'size-mismatch': 409,
  'parts-missing': 409,
  'parts-differ': 409,
  'completion-refused': 409,
  'upload-pending': 409,
  'upload-completing': 409,
  'upload-completed': 409,
  'upload-cancelled': 409,
  'upload-failed': 409,
  'upload-incomplete': 409,
  'rotation-open': 409,
  'rotation-failed': 409,
  'rotation-copy-closed': 409,
  'upload-expired': 410,
  'request-too-large': 413,
  'size-too-large': 413,
  'content-type-refused': 415,
  'rate-limited': 429,
  'internal-error': 500,
  'store-refused': 502,
  'store-unreachable': 503,
  'catalog-unavailable': 503,
  'state-unavailable': 503,
  'authorization-unavailable': 503,
  'key-vault-unavailable': 503,
} as const;

/** One of the stable codes of a {@link Problem}. */
export type ProblemCode = keyof typeof PROBLEM_STATUS;

/** A refusal as it goes over the wire: an RFC 9457 problem document (`application/problem+json`). */
export interface Problem {
  /** `urn:longhaul:problem:` and the code. */
  readonly type: string;
  /** The code in words, the same for every occurrence. */
  readonly title: string;
  /** HTTP status. */
  readonly status: number;
  /** Stable code; switch on this. */
  readonly code: ProblemCode;
  /** What failed, on what, and the next step. */
  readonly detail: string;
  /** The upload that it happened to, when there is one. */
  readonly uploadId?: string;
  /** With `parts-missing`: up to 1,000 of the part numbers that the store does not have. */
  readonly missingParts?: readonly number[];
  /** With `completion-refused` and `store-refused`: the store's own error code. */
  readonly s3Code?: string;
  /** The call that was refused: quote it to those who run the coordinator, their log has it. Also in `X-Request-Id`. */
  readonly requestId?: string;
  /** How long to wait before the same call may succeed. Also sent as the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
}
