/** Sends the bytes of one part to a presigned URL. One attempt: retrying is not its business. */
export interface PartSender<Source> {
  /**
   * `false`: {@link PartToSend.onProgress} is called with the answer only, because the runtime tells no more. A part
   * then has the stall time-out for itself, plus what all of it takes at 64 KiB/s. Default `true`.
   */
  readonly seesProgress?: boolean;
  /**
   * Round trips from {@link send} to the first byte that {@link PartToSend.onProgress} tells of, where a connection has to be
   * opened: 1 for TCP, 1 more for a preflight; TLS is added. From it the SDK learns how long the line is, and begins with few
   * connections for a few parts. Left out: all that may begin at once do.
   */
  readonly opensInRoundTrips?: number;
  /**
   * Resolves with whatever the store answered, refusals included, and gives the connection back for reuse.
   *
   * Rejects with the signal's reason when it aborts (and drops the connection), with an `UploadError` when the source
   * is at fault, and with anything else when the connection is: that is taken for transient.
   */
  send(request: PartToSend<Source>): Promise<PartAnswer>;
}

/** One PUT. */
export interface PartToSend<Source> {
  readonly source: Source;
  readonly offsetBytes: number;
  /** Becomes Content-Length; may be 0. */
  readonly sizeBytes: number;
  readonly url: string;
  /** Sent exactly as they are. */
  readonly headers: Readonly<Record<string, string>>;
  /** The last attempt got no answer: connections that lie idle may be dead as well, so a new one is opened if possible. */
  readonly isOnNewConnection?: boolean;
  readonly signal: AbortSignal;
  /** Bytes of this attempt handed to the network so far. Must be called while bytes move: silence is a stall. */
  onProgress(sentBytes: number): void;
}

/** What the store said. */
export interface PartAnswer {
  /** HTTP status; 0 where a browser does not tell (a refusal without CORS headers): taken for transient. */
  readonly status: number;
  /** ETag with its quotes; left out where CORS hides it. */
  readonly etag?: string | undefined;
  /** Body of a refusal, cut to 16 KiB. Empty for a success. */
  readonly body: string;
  /** `Retry-After`, where the store sent one in seconds. */
  readonly retryAfterSeconds?: number | undefined;
}
