/** How long a soak is to go on, with which chance, and who is told how it goes. */
export interface SoakOptions {
  readonly seconds: number;
  readonly seed: string;
  readonly log: (line: string) => void;
}

/** What came of it. */
export interface SoakReport {
  readonly rounds: number;
  /** Empty when all went well. */
  readonly failures: readonly string[];
  readonly figures?: Readonly<Record<string, unknown>>;
}
