/** The call under way when something happened. */
export interface CallScope {
  /** The caller's `X-Request-Id` where it is 8 to 64 of `A-Z a-z 0-9 . _ -`, else a UUID. Answered in the same header. */
  readonly requestId: string;
  /** The upload that the call is about, once its token was checked. */
  readonly uploadId?: string | undefined;
}

/** A call as the log has it: never an address, a query, a header or an owner. */
export interface AnsweredCall extends CallScope {
  readonly method: string;
  /** The pattern of its path, for example `/v1/uploads/:uploadId/parts`; `none` where there is no such path. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of a refusal. */
  readonly problem?: string | undefined;
  /** Why the `authorize` hook has refused it, as far as it says. The caller is not told. */
  readonly reason?: string | undefined;
}
