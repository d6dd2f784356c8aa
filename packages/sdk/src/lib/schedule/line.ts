import type { Verdict } from '../part-answer.ts';
import { createFairPool, type FairPool } from './fair-pool.ts';
import { createHeldBack, type HeldBack } from './held-back.ts';
import type { Stall } from './pace.ts';
import { createWatch, type NewAttempt, type WatchOptions } from './watch.ts';
import type { tryWider as TryWider } from './wider.ts';
import { reduceWidth, startWidth, type WidthEvent, type WidthState } from './width.ts';

/** The line to the store, as all uploads of an uploader share it: how much goes at once, how fast, and how it fails. */
export interface Line {
  readonly pool: FairPool;
  /** Parts that are ever in flight at once. */
  readonly maxWidth: number;
  /** What it has carried when last it was busy; `undefined` until it has been for a while. */
  readonly bytesPerSecond: number | undefined;
  /** The store has taken a part: it can be reached, and does what is asked of it. */
  readonly hasStored: boolean;
  /** Whether more connections would carry more, of one upload's parts. */
  readonly heldBack: Pick<HeldBack, 'whenKnown'>;
  /** An attempt to send a part begins. */
  begin(attempt: LineAttempt): Attempt;
}

/** An attempt to send a part over a line. */
export interface LineAttempt extends NewAttempt {
  readonly isTls: boolean;
}

/** An attempt under way. */
export interface Attempt {
  /** Aborts when the attempt stalls, or when its own signal does. */
  readonly signal: AbortSignal;
  /** Why it was given up, if it was. */
  readonly stall: Stall | undefined;
  /** Bytes handed to the network so far. */
  moved(sentBytes: number): void;
  /** Call it once, with what came of it, if anything did. */
  end(verdict: Verdict | undefined): void;
}

/** What a line is made of. */
export interface LineOptions extends WatchOptions {
  /** Parts in flight to begin with. */
  readonly concurrency: number;
  /** Parts in flight at most, where more of them carry more. */
  readonly maxConcurrency: number;
  /** As of the sender. */
  readonly opensInRoundTrips?: number | undefined;
}

const READING_MS = 1_500;

/** A line of which nothing is known yet. */
export function createLine(options: LineOptions): Line {
  const { clock, concurrency, maxConcurrency } = options;
  const pool = createFairPool(concurrency);
  const watch = createWatch(options);
  const heldBack = createHeldBack(clock, options.opensInRoundTrips);
  let width = startWidth(concurrency, maxConcurrency);
  let bytesPerSecond: number | undefined;
  let hasStored = false;
  let tryWider: typeof TryWider | undefined;

  const become = (next: WidthState): void => {
    width = next;
    if (width.width !== pool.width) pool.width = width.width;
  };
  const react = (event: WidthEvent): void => become(reduceWidth(width, event));
  const measure = createMeter(pool, (reading) => {
    bytesPerSecond = reading;
    if (pool.isCrowded && tryWider) become(tryWider(width, reading));
  });

  if (maxConcurrency > concurrency) void loadWider().then((wider) => ({ tryWider } = wider));

  return {
    pool,
    heldBack,
    maxWidth: maxConcurrency,
    get bytesPerSecond() {
      return bytesPerSecond;
    },
    get hasStored() {
      return hasStored;
    },
    begin(attempt) {
      const startedMs = clock.nowMs();
      const watched = watch.begin(attempt);
      const flight = heldBack.follow(attempt.isTls);
      return {
        signal: watched.signal,
        get stall() {
          return watched.stall;
        },
        moved(sentBytes) {
          measure(watched.moved(sentBytes), clock.nowMs());
          flight.moved(sentBytes);
        },
        end(verdict) {
          watched.end(verdict === 'stored');
          flight.end();
          if (isTrouble(verdict, watched.stall)) react({ kind: 'trouble', startedMs, nowMs: clock.nowMs() });
          if (verdict !== 'stored') return;
          hasStored = true;
          react({ kind: 'stored', startedMs });
        },
      };
    },
  };
}

/** Measures what is carried while every place is taken: with places to spare it tells nothing of the line. */
function createMeter(
  pool: FairPool,
  onReading: (bytesPerSecond: number) => void,
): (movedBytes: number, nowMs: number) => void {
  let totalBytes = 0;
  let last: { readonly atMs: number; readonly totalBytes: number } | undefined;
  return (movedBytes, nowMs) => {
    totalBytes += movedBytes;
    if (!pool.isFull) return void (last = undefined);
    const spanMs = nowMs - (last?.atMs ?? -Infinity);
    if (spanMs < READING_MS) return;
    if (last) onReading(((totalBytes - last.totalBytes) / spanMs) * 1_000);
    last = { atMs: nowMs, totalBytes };
  };
}

/** A connection that dies while others carry on says nothing of the line. */
function isTrouble(verdict: Verdict | undefined, stall: Stall | undefined): boolean {
  return verdict === 'throttled' || stall === 'silence' || stall === 'unanswered';
}

/** Without what widens it, a line stays as wide as it is. */
async function loadWider(): Promise<{ readonly tryWider?: typeof TryWider }> {
  return await import('./wider.ts').catch(() => ({}));
}
