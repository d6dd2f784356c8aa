import type { UploadProgress } from '../progress.ts';
import { formatBytes } from './byte-sizes.ts';

const MIN_BAR_CELLS = 10;
const MAX_BAR_CELLS = 40;

/**
 * One line for a terminal: label, bar, share, bytes, rate, time left. Never wider than `columns` allows for a bar of
 * ten cells; the label gives way first. Without a total there is no bar.
 *
 * @example renderBar({ sentBytes: 5e6, totalBytes: 1e7, bytesPerSecond: 1e6, etaSeconds: 5 }, 'film.mp4', 80)
 * // 'film.mp4 ████████░░░░░░░░  50 % 5.00 MB of 10.0 MB, 1.00 MB/s, 5 s left'
 */
export function renderBar(progress: UploadProgress, label: string, columns: number): string {
  const fraction = fractionOf(progress);
  if (fraction === undefined) {
    const text = describe(progress);
    const shortLabel = shorten(label, Math.max(0, columns - text.length - 1));
    return `${shortLabel}${shortLabel && ' '}${text}`;
  }
  const figures = ` ${String(Math.floor(fraction * 100)).padStart(3)} % ${describe(progress)}`;
  const room = columns - figures.length - 1;
  const cells = Math.min(MAX_BAR_CELLS, Math.max(MIN_BAR_CELLS, Math.floor(room / 2)));
  const filled = Math.round(fraction * cells);
  const bar = '█'.repeat(filled) + '░'.repeat(cells - filled);
  const shortLabel = shorten(label, Math.max(0, room - cells - 1));
  return `${shortLabel}${shortLabel && ' '}${bar}${figures}`;
}

/** The same for a log: `50 % 5.00 MB of 10.0 MB, 1.00 MB/s, 5 s left`. */
export function renderPlain(progress: UploadProgress): string {
  const fraction = fractionOf(progress);
  return `${fraction === undefined ? '' : `${Math.floor(fraction * 100)} % `}${describe(progress)}`;
}

/** Share of the bytes that are sent, 0 to 1; an upload of nothing is whole. `undefined` without a total. */
export function fractionOf({ sentBytes, totalBytes }: UploadProgress): number | undefined {
  if (totalBytes === undefined) return undefined;
  return totalBytes === 0 ? 1 : Math.min(1, sentBytes / totalBytes);
}

function describe({ sentBytes, totalBytes, bytesPerSecond, etaSeconds }: UploadProgress): string {
  const total = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
  const sizes = `${formatBytes(sentBytes)}${total}`;
  if (sentBytes === totalBytes || bytesPerSecond === 0) return sizes;
  const left = etaSeconds === undefined ? '' : `, ${formatSeconds(etaSeconds)} left`;
  return `${sizes}, ${formatBytes(bytesPerSecond)}/s${left}`;
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Keeps the end of a label: that is where names of files differ. */
function shorten(label: string, length: number): string {
  const characters = Array.from(label);
  if (characters.length <= length) return label;
  return length < 2 ? '' : `…${characters.slice(1 - length).join('')}`;
}
