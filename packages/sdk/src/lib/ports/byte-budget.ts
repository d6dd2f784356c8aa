/** Bounds what all streams of an uploader hold in memory together. */
export interface ByteBudget {
  /** Resolves when there is room for so many bytes more, and counts them. Rejects with the signal's reason. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Counts bytes whether or not there is room. */
  hold(bytes: number): void;
  /** These bytes are not held any more. */
  free(bytes: number): void;
}
