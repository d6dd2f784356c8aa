import type { Growth, WidthState } from './width.ts';

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

/**
 * What follows from a reading of what all parts carry together, while as many are in flight as may be and more are
 * waiting: a wider width is tried where it may help, and kept if it carries more. In a module of its own, because who may
 * not grow need not carry it.
 */
export function tryWider(state: WidthState, bytesPerSecond: number): WidthState {
  const { width, ceiling, maxWidth, growth = { bytesPerSecond: 0, restReadings: FIRST_READINGS } } = state;
  const { trial, restReadings } = growth;
  const then = (next: Partial<Growth>, change?: Partial<WidthState>): WidthState => ({
    ...state,
    ...change,
    growth: { restReadings, trial, bytesPerSecond, ...next },
  });
  if (trial && !trial.isUpToSpeed) return then({ trial: { ...trial, isUpToSpeed: true } });
  if (trial) {
    return bytesPerSecond < trial.bytesPerSecond * WORTHWHILE_GAIN
      ? then({ trial: undefined, restReadings: REST_READINGS }, { width: ceiling })
      : then({ trial: undefined }, { ceiling: width });
  }
  if (restReadings > 0) return then({ restReadings: restReadings - 1 });
  const isSteady = Math.abs(bytesPerSecond - growth.bytesPerSecond) < STEADY * bytesPerSecond;
  const isFast = bytesPerSecond > width * FAST_BYTES_PER_SECOND;
  if (!isSteady || isFast || width < ceiling || width >= maxWidth) return then({});
  const wider = Math.min(maxWidth, Math.ceil(width * WIDER));
  return then({ trial: { bytesPerSecond, isUpToSpeed: false } }, { width: wider });
}
