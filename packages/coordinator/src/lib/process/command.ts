/** One command of `longhaul-coordinator`. */
export interface Command {
  /** As it is typed: one or two words. */
  readonly name: string;
  /** One line for the overview. */
  readonly summary: string;
  /** Everything that `--help` says of it. */
  readonly help: string;
  /**
   * Runs it with the arguments behind its name; answers the exit status.
   *
   * @throws UsageError, or the error of `parseArgs`, when they make no sense
   */
  run(args: readonly string[], world: CliWorld): Promise<number>;
}

/** The world around a command. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A line of the answer: stdout. */
  say(line: string): void;
  /** A line beside the answer: stderr. */
  note(line: string): void;
  /** A failure, as the log has it: stderr. */
  report(error: unknown): void;
  /** Asks a person for yes or no. Not there where nobody could answer. */
  confirm?(question: string): Promise<boolean>;
}

/** Exit status of each end. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** What was asked for cannot be done; the message says why, and what to do about it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The arguments make no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A whole number that was given as an option. @throws UsageError when it is none, or outside of its range */
export function readInteger(
  option: string,
  given: string,
  [least, most]: readonly [least: number, most: number],
): number {
  const value = Number(given);
  if (/^\d+$/.test(given) && value >= least && value <= most) return value;
  throw new UsageError(`${option} must be a whole number from ${least} to ${most}, got "${given}".`);
}

/** The id of an upload or event. @throws UsageError when it is no UUID */
export function readUuid(what: string, given: string | undefined): string {
  if (given !== undefined && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(given))
    return given.toLowerCase();
  throw new UsageError(
    given === undefined ? `${what} is missing.` : `${what} must be a UUID, got "${given}".`,
  );
}

/** How every help page ends. */
export const HELP_ENDING = `Configured by the same environment as serve: longhaul-coordinator --help lists it.
`;
