import type { Clock } from '../ports/clock.ts';
import { judgeStanding, type Pace, paceAnswered, paceMoved, type Stall, UNKNOWN_PACE } from './pace.ts';

/** An attempt to send a part, before it is made. */
export interface NewAttempt {
  readonly sizeBytes: number;
  /** Attempts of this part that have failed before: each asks for more patience. */
  readonly failures: number;
  readonly signal: AbortSignal;
}

/** An attempt that is watched. */
export interface Watched {
  /** Aborts when the attempt stalls, or when its own signal does. */
  readonly signal: AbortSignal;
  /** Why it was given up, if it was. */
  readonly stall: Stall | undefined;
  /** Bytes handed to the network so far. Answers how many are new. */
  moved(sentBytes: number): number;
  /** Call it once, whatever came of it. */
  end(isAnswered: boolean): void;
}

/** Watches attempts, and gives up those that go nowhere. */
export interface Watch {
  begin(attempt: NewAttempt): Watched;
}

interface Entry {
  readonly sizeBytes: number;
  readonly startedMs: number;
  readonly limitMs: number;
  readonly factor: number;
  readonly giveUp: (stall: Stall) => void;
  sentBytes: number;
  movedMs: number;
  /** What all have moved by then. */
  totalBytes: number;
}

const LOOK_EVERY_MS = 500;
/** A look that comes so much later than it should comes after a sleep of the machine. */
const SLEPT_MS = 10_000;
const MAX_DOUBLINGS = 3;
/** What a system keeps of one connection at most, as a rule, before it has left the machine. */
const BUFFERED_BYTES = 4 * 1024 ** 2;

/** How the store is watched. */
export interface WatchOptions {
  readonly clock: Clock;
  /** Longest silence of an attempt. */
  readonly stallTimeoutMs: number;
  /** `false`: bytes are only seen to move once all of them have. Then the whole part has to come through the silence. */
  readonly seesProgress?: boolean | undefined;
}

/** Slower than this is taken for a stall where nothing else can be seen: 64 KiB a second. */
const SLOWEST_BYTES_PER_MS = 65.536;

/** One watch over everything that is sent to a store: each attempt is measured by what the others do. */
export function createWatch({ clock, stallTimeoutMs, seesProgress = true }: WatchOptions): Watch {
  const entries = new Set<Entry>();
  let pace = UNKNOWN_PACE;
  let totalBytes = 0;
  let wokeMs = -Infinity;
  let stopLooking = (): void => {};

  const look = (hasSlept: boolean): void => {
    const nowMs = clock.nowMs();
    if (hasSlept) wokeMs = nowMs;
    judgeAll(entries, pace, { nowMs, wokeMs, totalBytes });
  };
  const moved = (entry: Entry, sentBytes: number): number => {
    const stepBytes = sentBytes - entry.sentBytes;
    if (stepBytes <= 0) return 0;
    const movedMs = clock.nowMs();
    pace = paceMoved(pace, movedMs, movedMs - Math.max(entry.movedMs, wokeMs), stepBytes);
    totalBytes += stepBytes;
    Object.assign(entry, { sentBytes, movedMs, totalBytes });
    return stepBytes;
  };
  const leave = (entry: Entry, isAnswered: boolean): void => {
    entries.delete(entry);
    if (entries.size === 0) stopLooking();
    if (isAnswered) pace = paceAnswered(pace, clock.nowMs() - Math.max(entry.movedMs, wokeMs));
  };

  return {
    begin({ sizeBytes, failures, signal }) {
      const stop = new AbortController();
      const startedMs = clock.nowMs();
      let stall: Stall | undefined;
      const entry: Entry = {
        sizeBytes,
        startedMs,
        limitMs: stallTimeoutMs + (seesProgress ? 0 : sizeBytes / SLOWEST_BYTES_PER_MS),
        factor: 2 ** Math.min(failures, MAX_DOUBLINGS),
        giveUp: (why) => stop.abort(new Error((stall = why))),
        sentBytes: 0,
        movedMs: startedMs,
        totalBytes,
      };
      if (entries.add(entry).size === 1)
        stopLooking = startLooking(clock, Math.min(LOOK_EVERY_MS, stallTimeoutMs / 4), look);
      return {
        signal: AbortSignal.any([signal, stop.signal]),
        get stall() {
          return stall;
        },
        moved: (sentBytes) => moved(entry, sentBytes),
        // One that was given up counts for as long as it was waited for: it makes the next ones more patient.
        end: (isAnswered) => leave(entry, isAnswered || stall === 'unanswered'),
      };
    },
  };
}

/** Ends those that go nowhere. */
function judgeAll(
  entries: ReadonlySet<Entry>,
  pace: Pace,
  {
    nowMs,
    wokeMs,
    totalBytes,
  }: { readonly nowMs: number; readonly wokeMs: number; readonly totalBytes: number },
): void {
  const others = entries.size - 1;
  for (const { sizeBytes, sentBytes, startedMs, movedMs, ...entry } of entries) {
    const stall = judgeStanding(pace, {
      ...entry,
      silentMs: nowMs - Math.max(movedMs, wokeMs),
      hasSlept: movedMs < wokeMs,
      hasSentAll: sentBytes === sizeBytes,
      drainMs: (movedMs - startedMs) * Math.min(1, BUFFERED_BYTES / sizeBytes),
      othersBytes: others ? (totalBytes - entry.totalBytes) / others : undefined,
    });
    if (stall) entry.giveUp(stall);
  }
}

/** Looks until the returned function is called. The clock on the wall runs on while the machine sleeps. */
function startLooking(clock: Clock, everyMs: number, look: (hasSlept: boolean) => void): () => void {
  const over = new AbortController();
  const wallMs = (): number => (clock.nowEpochMs ?? clock.nowMs)();
  const keepLooking = async (): Promise<never> => {
    for (;;) {
      const beganMs = wallMs();
      await clock.sleep(everyMs, over.signal);
      look(wallMs() - beganMs > everyMs + SLEPT_MS);
    }
  };
  // Rejects when it is over: nobody is left to be watched.
  keepLooking().catch(() => {});
  return () => over.abort();
}
