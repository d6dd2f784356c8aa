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
  /** How a wider one is being looked for. */
  readonly growth?: Growth | undefined;
}

/** Where the search for a wider width stands. */
export interface Growth {
  /** The last reading. */
  readonly bytesPerSecond: number;
  /** Readings to let pass before the next trial. */
  readonly restReadings: number;
  /** A wider width is being tried: what was carried before, and whether its new connections have come up to speed. */
  readonly trial?: { readonly bytesPerSecond: number; readonly isUpToSpeed: boolean } | undefined;
}

/**
 * What bears on the width, met by an attempt begun at `startedMs`. `trouble`: the store asks for patience, or the line has
 * stalled. `stored`: a part went through.
 */
export type WidthEvent =
  | { readonly kind: 'trouble'; readonly startedMs: number; readonly nowMs: number }
  | { readonly kind: 'stored'; readonly startedMs: number };

/** As many as are known to do well; growth up to `maxWidth` has to show a gain first. */
export function startWidth(width: number, maxWidth: number): WidthState {
  return { width, ceiling: width, maxWidth, halvedMs: -Infinity, cleanParts: 0 };
}

/**
 * What follows from an event. Trouble halves the width, once for all attempts that were under way together. Each time
 * that as many parts as are in flight have gone through since, it is one wider, up to where it was.
 */
export function reduceWidth(state: WidthState, event: WidthEvent): WidthState {
  const { width } = state;
  if (event.startedMs <= state.halvedMs) return state;
  if (event.kind === 'trouble') {
    const half = Math.max(1, Math.floor(width / 2));
    return { ...state, width: half, halvedMs: event.nowMs, cleanParts: 0, growth: undefined };
  }
  if (width >= state.ceiling) return state;
  const cleanParts = state.cleanParts + 1;
  return cleanParts < width ? { ...state, cleanParts } : { ...state, width: width + 1, cleanParts: 0 };
}
