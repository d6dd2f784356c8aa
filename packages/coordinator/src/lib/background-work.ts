import type { CoordinatorOptions } from './coordinator-options.ts';
import { relay, sweep, tidy } from './maintenance.ts';
import type { Clock } from './ports/clock.ts';
import { contextOf } from './upload-context.ts';

/** How often a process does what nobody asks it for. */
export interface BackgroundPace {
  /** Default 30 s. */
  readonly sweepEveryMs?: number;
  /** Longest time from an upload's end to its event. Default 1 s. */
  readonly relayEveryMs?: number;
  /** Default 1 h. */
  readonly tidyEveryMs?: number;
}

/** Work in the background of a process. */
export interface BackgroundWork {
  /** Begins nothing new, and resolves when what is under way has ended. */
  stop(): Promise<void>;
}

/**
 * Sweeps, tells events and tidies up until it is stopped. Start it once in every process that serves: replicas share the
 * work. A failure is told to `onError`, and the next round comes all the same.
 *
 * Where no process lives long, call {@link sweep}, {@link relay} and {@link tidy} from cron instead.
 *
 * @throws TypeError as `createCoordinator` does
 * @example
 * const work = startBackgroundWork(options);
 * process.once('SIGTERM', () => work.stop());
 */
export function startBackgroundWork(options: CoordinatorOptions, pace: BackgroundPace = {}): BackgroundWork {
  const { clock, onError } = contextOf(options);
  const stopping = new AbortController();
  const every = (pauseMs: number, work: () => Promise<unknown>): Promise<void> =>
    repeat({ clock, signal: stopping.signal, pauseMs, onError }, work);
  const loops = Promise.all([
    every(pace.sweepEveryMs ?? 30_000, () => sweep(options)),
    every(pace.relayEveryMs ?? 1_000, () => relay(options, { signal: stopping.signal })),
    every(pace.tidyEveryMs ?? 3_600_000, () => tidy(options)),
  ]);
  return {
    async stop() {
      stopping.abort();
      await loops;
    },
  };
}

interface Loop {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly pauseMs: number;
  readonly onError: (error: unknown) => void;
}

async function repeat(
  { clock, signal, pauseMs, onError }: Loop,
  work: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(onError);
    // Rejects only when the signal aborts.
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
