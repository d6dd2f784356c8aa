import type { ChecksumAlgorithm } from '@longhaul/protocol';

/** What was learnt of a coordinator by talking to it, for all later calls. */
export interface LearntOfCoordinator {
  /** It does not know calls that others have learnt since. */
  isOlder?: boolean;
  /** What it has asked parts to be digested by last; `null`: by nothing. Left out: nobody has asked it yet. */
  checksumAlgorithm?: ChecksumAlgorithm | null;
}

/** The coordinator, as somebody who can be called. */
export interface Coordinator {
  readonly learnt: LearntOfCoordinator;
  /** Where it is, without query: for messages, and to tell the uploads of one coordinator from another's. */
  readonly address: string;
  /**
   * Makes a call and resolves with the answer. Every call may be repeated, so it is, here, until there is an answer.
   *
   * @throws UploadError `COORDINATOR_REFUSED` or `COORDINATOR_UNREACHABLE`; the signal's reason when it aborts
   */
  call<Answer>(call: CoordinatorCall, signal: AbortSignal): Promise<Answer>;
}

/** One call. */
export interface CoordinatorCall {
  readonly method: 'post' | 'delete';
  /** Below `/v1/uploads`; empty for that itself. */
  readonly path: string;
  /** The upload's token, where it travels in a header. */
  readonly token?: string;
  /** Body, where there is one. Members that are `undefined` are left out of it. */
  readonly json?: unknown;
  /** A create, or the completion of what was put in one piece: quick enough to travel in one call with others. */
  readonly mayShare?: boolean;
}
