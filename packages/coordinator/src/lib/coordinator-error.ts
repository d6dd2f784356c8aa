import type { Problem, ProblemCode } from '@longhaul/protocol';

/** Members of a {@link Problem} that go with some codes only. */
export type ProblemDetails = Partial<
  Pick<Problem, 'uploadId' | 'missingParts' | 's3Code' | 'retryAfterSeconds'>
>;

/** A call that the coordinator refuses, with the stable code that goes over the wire. */
export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, message: string, details: ProblemDetails = {}, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.details = details;
  }
}
