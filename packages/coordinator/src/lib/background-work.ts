import type { CoordinatorOptions } from './coordinator-options.ts';
import { relay, tidy } from './maintenance.ts';
import type { Clock } from './ports/clock.ts';
import type { MetricDefinition } from './ports/metrics.ts';
import { contextOf } from './upload-context.ts';
import { sweepUploads } from './uploads/sweep-uploads.ts';

/** How often a process does what nobody asks it for: pauses in whole milliseconds, at most 24 days each. */
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
 * @throws TypeError as `createCoordinator` does, or when a pause is out of range
 * @example
 * const work = startBackgroundWork(options);
 * process.once('SIGTERM', () => work.stop());
 */
export function startBackgroundWork(options: CoordinatorOptions, pace: BackgroundPace = {}): BackgroundWork {
  const context = contextOf(options);
  const { clock, onError } = context;
  const pauses = pausesOf(pace);
  for (const [name, pauseMs] of Object.entries(pauses)) assertPause(name, pauseMs);
  const stopping = new AbortController();
  const { signal } = stopping;
  const rounds = context.metrics.counter(ROUNDS);
  const every = (pauseMs: number, name: string, work: () => Promise<unknown>): Promise<void> =>
    repeat({ clock, signal, pauseMs }, async () => {
      const outcome = await work().then(
        () => 'ok',
        (error: unknown) => {
          onError(error);
          return 'error';
        },
      );
      rounds.add(1, { work: name, outcome });
    });
  const loops = Promise.all([
    every(pauses.sweepEveryMs, 'sweep', () =>
      sweepUploads(context, { signal, patienceMs: COMPLETION_PATIENCE_MS }),
    ),
    every(pauses.relayEveryMs, 'relay', () => relay(options, { signal })),
    every(pauses.tidyEveryMs, 'tidy', () => tidy(options)),
  ]);
  return {
    async stop() {
      stopping.abort();
      await loops;
    },
  };
}

const ROUNDS: MetricDefinition = {
  name: 'longhaul_background_rounds_total',
  help: 'Rounds of the work that nobody asks for.',
  labelNames: ['work', 'outcome'],
};

function pausesOf(pace: BackgroundPace): Required<BackgroundPace> {
  return {
    sweepEveryMs: pace.sweepEveryMs ?? 30_000,
    relayEveryMs: pace.relayEveryMs ?? 1_000,
    tidyEveryMs: pace.tidyEveryMs ?? 3_600_000,
  };
}

/** A store may take minutes to complete an upload; others are looked after meanwhile. */
const COMPLETION_PATIENCE_MS = 10_000;

/** A timer that is set for longer fires at once. */
const MAX_PAUSE_MS = 2 ** 31 - 1;

function assertPause(name: string, pauseMs: number): void {
  if (Number.isSafeInteger(pauseMs) && pauseMs > 0 && pauseMs <= MAX_PAUSE_MS) return;
  throw new TypeError(`${name} must be a whole number from 1 to ${MAX_PAUSE_MS}, got ${pauseMs}`);
}

interface Loop {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly pauseMs: number;
}

async function repeat({ clock, signal, pauseMs }: Loop, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work();
    // Rejects only when the signal aborts.
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
