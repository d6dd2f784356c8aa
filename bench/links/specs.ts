import type { LinkSpec } from './link.ts';

/** The lines that are tried. Slow ones get smaller files, so that a run ends. */
export const LINKS: readonly LinkSpec[] = [
  { name: '100mbit-80ms', rateMbit: 100, roundTripMs: 80, lossPercent: 0, sizesMiB: [128] },
  { name: '1gbit-150ms', rateMbit: 1000, roundTripMs: 150, lossPercent: 0, sizesMiB: [1024, 256] },
  {
    name: '100mbit-80ms-loss',
    rateMbit: 100,
    roundTripMs: 80,
    lossPercent: 0.5,
    sizesMiB: [128],
    smallMiB: 64,
  },
  { name: '10mbit-300ms-loss', rateMbit: 10, roundTripMs: 300, lossPercent: 1, sizesMiB: [32], smallMiB: 16 },
];

/** In words. */
export function describeLink({ rateMbit, roundTripMs, lossPercent }: LinkSpec): string {
  const rate = rateMbit >= 1000 ? `${rateMbit / 1000} Gbit/s` : `${rateMbit} Mbit/s`;
  return `${rate}, ${roundTripMs} ms${lossPercent > 0 ? `, ${lossPercent} % loss` : ''}`;
}
