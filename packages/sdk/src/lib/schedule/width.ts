/** How many parts may be in flight, and what that rests on. */
export interface WidthState {
  /** Parts in flight at once, from 1 to `maxWidth`. */
  readonly width: number;
  /** The width to come back to after trouble: the first one, or a wider one that has shown a gain. */
  readonly ceiling: number;
  readonly maxWidth: number;
  /** When the width was last halved: what was begun before tells of the time before. */
  readonly halvedMs: number;
  /** Parts begun and stored since the width last changed. */
  readonly cleanParts: number;
  /** A wider width is being tried: what was carried before, and whether its new connections have come up to speed. */
  readonly trial?: { readonly bytesPerSecond: number; readonly isUpToSpeed: boolean } | undefined;
  /** The reading before, while the width has not changed since. */
  readonly lastBytesPerSecond?: number | undefined;
  /** Readings to let pass before the next trial. */
  readonly restReadings: number;
}

/** What bears on the width. */
export type WidthEvent =
  /** The store asks for patience, or the line has stalled; met by an attempt begun at `startedMs`. */
  | { readonly kind: 'trouble'; readonly startedMs: number; readonly nowMs: number }
  /** A part is stored, by an attempt begun at `startedMs`. */
  | { readonly kind: 'stored'; readonly startedMs: number }
  /** A reading of what all parts carry together while as many are in flight as may be, and more are waiting. */
  | { readonly kind: 'measured'; readonly bytesPerSecond: number };

const WIDER = 1.5;
/** Two readings that differ by less tell of a line that has come up to speed: every connection begins slowly. */
const STEADY = 0.1;
/** Less gain than this is noise. */
const WORTHWHILE_GAIN = 1.15;
/**
 * Readings before the first trial. Connections that come late to a line get the smaller share of it for a while, so that
 * their parts end last: no matter in an upload of minutes, but a loss in one of seconds.
 */
const FIRST_READINGS = 10;
/** Readings between two trials of which the first has shown no gain: lines change, but not every second. */
const REST_READINGS = 20;

/**
 * A connection that carries this much alone is slowed by nothing that company would help with, and each costs memory. On
 * a line that loses packets one carries far less, and what all carry grows with their number.
 */
const FAST_BYTES_PER_SECOND = 4 * 1024 ** 2;

/** As many as are known to do well; growth up to `maxWidth` has to show a gain first. */
export function startWidth(width: number, maxWidth: number): WidthState {
  return {
    width,
    ceiling: width,
    maxWidth,
    halvedMs: -Infinity,
    cleanParts: 0,
    restReadings: FIRST_READINGS,
  };
}

/**
 * What follows from an event. Trouble halves the width, once for all attempts that were under way together. Each time
 * that as many parts as are in flight have gone through since, it is one wider, up to where it was.
 */
export function reduceWidth(state: WidthState, event: WidthEvent): WidthState {
  const { width, ceiling } = state;
  if (event.kind === 'measured')
    return { ...tryWider(state, event.bytesPerSecond), lastBytesPerSecond: event.bytesPerSecond };
  if (event.startedMs <= state.halvedMs) return state;
  if (event.kind === 'trouble') {
    const half = Math.max(1, Math.floor(width / 2));
    return { ...state, width: half, halvedMs: event.nowMs, cleanParts: 0, trial: undefined };
  }
  if (width >= ceiling) return state;
  const cleanParts = state.cleanParts + 1;
  return cleanParts < width ? { ...state, cleanParts } : { ...state, width: width + 1, cleanParts: 0 };
}

function tryWider(state: WidthState, bytesPerSecond: number): WidthState {
  const { width, ceiling, maxWidth, trial, restReadings, lastBytesPerSecond = 0 } = state;
  if (trial && !trial.isUpToSpeed) return { ...state, trial: { ...trial, isUpToSpeed: true } };
  if (trial) {
    return bytesPerSecond < trial.bytesPerSecond * WORTHWHILE_GAIN
      ? { ...state, width: ceiling, trial: undefined, restReadings: REST_READINGS }
      : { ...state, ceiling: width, trial: undefined };
  }
  if (restReadings > 0) return { ...state, restReadings: restReadings - 1 };
  const isSteady = Math.abs(bytesPerSecond - lastBytesPerSecond) < STEADY * bytesPerSecond;
  if (!isSteady || width < ceiling || width >= maxWidth) return state;
  if (bytesPerSecond > width * FAST_BYTES_PER_SECOND) return state;
  const wider = Math.min(maxWidth, Math.ceil(width * WIDER));
  return { ...state, width: wider, trial: { bytesPerSecond, isUpToSpeed: false } };
}
