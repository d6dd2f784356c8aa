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
  /** Whether it is about what uploads have become. Default: about uploads. */
  readonly resource?: 'objects';
  /** Below `/v1/uploads`, or the resource that is named; empty for that itself. */
  readonly path: string;
  /** The upload's token, where it travels in a header. */
  readonly token?: string;
  /** Body, where there is one. Members that are `undefined` are left out of it. */
  readonly json?: unknown;
  /** A create, or the completion of what was put in one piece: quick enough to travel in one call with others. */
  readonly mayShare?: boolean;
}

/** A coordinator in the same process: the `fetch` of the app that `createCoordinator` returns. */
export type CoordinatorFetch = (request: Request) => Response | Promise<Response>;

/**
 * Makes one HTTP call to a coordinator, whatever is answered. One attempt: repeating is not its business.
 * Rejects where there is no answer, and when the signal aborts; the error holds no header of the call.
 */
export type CallOnce = (request: CoordinatorRequest) => Promise<CoordinatorAnswer>;

/** How calls are made: to a coordinator in the same process where one is given, else over the network. */
export type CreateCall = (local?: CoordinatorFetch) => CallOnce;

/** One call over HTTP. */
export interface CoordinatorRequest {
  readonly method: 'post' | 'delete';
  readonly url: string;
  /** Those that are `undefined` are left out. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Body, where there is one. */
  readonly json: unknown;
  readonly signal: AbortSignal;
}

/** What came back. */
export interface CoordinatorAnswer {
  readonly status: number;
  /** `undefined` of what is no JSON: a proxy or another server has answered, or the answer was cut short. */
  readonly value: unknown;
}

/** Longer than the coordinator lets a completion wait, as long as what load balancers allow. */
export const CALL_TIMEOUT_MS = 60_000;
