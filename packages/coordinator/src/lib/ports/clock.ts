/** Time and chance, so that tests and the simulation can bring their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowEpochMs(): number;
  /** A random UUID, version 4. */
  randomUuid(): string;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}
