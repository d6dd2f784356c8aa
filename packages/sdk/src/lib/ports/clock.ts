/** Time and chance, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds that only ever grow; where they start does not matter. */
  nowMs(): number;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
  /**
   * Wall clock, in milliseconds since the Unix epoch, where there is one. It may be wrong by any amount: only that it runs
   * on while the machine sleeps, and so jumps against {@link nowMs}, is made use of.
   */
  nowEpochMs?(): number;
  /** From 0 (included) to 1 (excluded). Spreads retries; no secret depends on it. */
  randomFraction(): number;
  /** A random UUID, version 4. */
  randomUuid(): string;
}
