/** How a line behaves as a rule: what tells a connection that is dead from one that is slow. */
export interface Pace {
  /** Times that bytes have moved. */
  readonly moves: number;
  /** Longest time between two moves of one connection, forgotten by halves. */
  readonly gapMs: number;
  /** Most bytes in one move, forgotten by halves. */
  readonly stepBytes: number;
  readonly atMs: number;
  /** Times from the last byte to the answer, newest last. */
  readonly answersMs: readonly number[];
}

/** Nothing is known of the line yet. */
export const UNKNOWN_PACE: Pace = { moves: 0, gapMs: 0, stepBytes: 0, atMs: 0, answersMs: [] };

const HALF_LIFE_MS = 30_000;
const MAX_ANSWERS = 50;

/** Bytes of some connection have moved. */
export function paceMoved(pace: Pace, atMs: number, gapMs: number, stepBytes: number): Pace {
  const kept = 0.5 ** ((atMs - pace.atMs) / HALF_LIFE_MS);
  return {
    ...pace,
    atMs,
    moves: pace.moves + 1,
    gapMs: Math.max(gapMs, pace.gapMs * kept),
    stepBytes: Math.max(stepBytes, pace.stepBytes * kept),
  };
}

/** An answer has come so long after the last byte; or it was given up by then, which makes the next ones more patient. */
export function paceAnswered(pace: Pace, answerMs: number): Pace {
  return { ...pace, answersMs: [...pace.answersMs, answerMs].slice(-MAX_ANSWERS) };
}

/** Where one attempt to send a part stands. */
export interface Standing {
  /** Since it has begun, or bytes of it have moved, or the machine has woken up. */
  readonly silentMs: number;
  readonly hasSentAll: boolean;
  /** What the machine's own buffers may still have to send after the last byte was handed over, at the rate of before. */
  readonly drainMs: number;
  /** The machine has slept since bytes have moved. */
  readonly hasSlept: boolean;
  /** What other attempts have moved meanwhile, on average; `undefined` if there are none. */
  readonly othersBytes?: number | undefined;
  /** Silence that is too long whatever the line is like. */
  readonly limitMs: number;
  /** Times more patient than at first: every attempt that fails asks for patience. */
  readonly factor: number;
}

/**
 * Why an attempt is given up.
 *
 * `silence`: no byte moves. `dead`: no byte moves on this connection while others carry on. `unanswered`: all was sent,
 * and no answer comes. `asleep`: the machine has slept, and what it was talking to has hung up.
 */
export type Stall = 'silence' | 'dead' | 'unanswered' | 'asleep';

/** Fewer samples tell nothing. */
const MIN_SAMPLES = 10;
/** Longest gaps of a line, times this, are no gaps any more. */
const GAPS = 5;
/** Steps that the others make while a slow connection makes one: what slows it slows them. */
const STEPS_OF_OTHERS = 4;
/** Packets lost twice in a row keep a sound connection silent for some seconds. */
const MIN_SILENCE_MS = 5_000;
/** With no other connection to compare with. */
const MIN_LONE_SILENCE_MS = 7_000;
const EXTRA_ANSWER_MS = 2_000;
/** A connection that has outlived a sleep of the machine shows it by then. */
const AFTER_SLEEP_MS = 2_000;

/**
 * Whether an attempt is to be given up. Before `limitMs`, only on evidence: by what the line was like until now, and by
 * what it does for others. A line that has become slow is slow for all of them.
 */
export function judgeStanding(pace: Pace, standing: Standing): Stall | undefined {
  const { silentMs, hasSlept, hasSentAll, drainMs, othersBytes, limitMs, factor } = standing;
  if (hasSlept && silentMs > AFTER_SLEEP_MS) return 'asleep';
  if (hasSentAll) {
    const answerMs = Math.max(Math.min(limitMs, answerLimitMs(pace)), drainMs);
    return silentMs > answerMs * factor ? 'unanswered' : undefined;
  }
  if (silentMs > limitMs * factor) return 'silence';
  if (pace.moves < MIN_SAMPLES) return undefined;
  const usualMs = GAPS * pace.gapMs;
  if (othersBytes === undefined)
    return silentMs > Math.max(usualMs, MIN_LONE_SILENCE_MS) * factor ? 'silence' : undefined;
  const isSlowForAll = othersBytes < STEPS_OF_OTHERS * pace.stepBytes;
  return !isSlowForAll && silentMs > Math.max(usualMs, MIN_SILENCE_MS) * factor ? 'dead' : undefined;
}

/**
 * How long an answer may take once the last byte was handed to the machine, which has yet to send what waits in its
 * buffers: half as long again as nine of ten take, and a while on top; no less than a line needs that has just become slow.
 * No limit until there are samples.
 */
function answerLimitMs({ answersMs, gapMs }: Pace): number {
  if (answersMs.length < MIN_SAMPLES) return Infinity;
  const ninetieth = answersMs.toSorted((a, b) => a - b)[Math.floor(answersMs.length * 0.9)] ?? 0;
  return Math.max(1.5 * ninetieth + EXTRA_ANSWER_MS, GAPS * gapMs);
}
