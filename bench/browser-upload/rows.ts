import type { PageCost } from '../browser/page-cost.ts';
import { median } from '../measuring/median.ts';

/** What was measured of one way to upload from a page. */
export interface PageRuns {
  readonly name: string;
  readonly costs: readonly PageCost[];
  /** Of a file of a quarter of the size. */
  readonly quarterCosts: readonly PageCost[];
}

/** Medians, as they are shown. */
export interface PageRow {
  readonly name: string;
  readonly seconds: number;
  readonly gbPerSecond: number;
  /** Throughput over that of the bare one. */
  readonly toBare: number;
  /** Seconds of the main thread for all of it. */
  readonly mainThreadSeconds: number;
  /** Of these, what each GiB more takes: whole less quarter, over the difference in size. */
  readonly mainThreadSecondsPerGiB: number;
  /** The rest, whatever the size: code loaded and compiled, the first calls and the last. */
  readonly mainThreadSecondsOnce: number;
}

/** One row for each way; the first one is the bare one, with which all are compared. */
export function toPageRows(sizeBytes: number, runs: readonly PageRuns[]): PageRow[] {
  const timeOf = ({ costs }: PageRuns): number => median(costs.map(({ seconds }) => seconds));
  const bare = runs[0] ? timeOf(runs[0]) : Number.NaN;
  return runs.map((way) => {
    const mainThreadSeconds = mainThreadOf(way.costs);
    const sizeGiB = sizeBytes / 1024 ** 3;
    const mainThreadSecondsPerGiB = (mainThreadSeconds - mainThreadOf(way.quarterCosts)) / (sizeGiB * 0.75);
    return {
      name: way.name,
      seconds: timeOf(way),
      gbPerSecond: sizeBytes / 1e9 / timeOf(way),
      toBare: bare / timeOf(way),
      mainThreadSeconds,
      mainThreadSecondsPerGiB,
      mainThreadSecondsOnce: mainThreadSeconds - mainThreadSecondsPerGiB * sizeGiB,
    };
  });
}

function mainThreadOf(costs: readonly PageCost[]): number {
  return median(costs.map(({ mainThreadSeconds }) => mainThreadSeconds));
}

/** The rows as text. */
export function formatPageRows(rows: readonly PageRow[]): string {
  const lines = rows.map((row) =>
    [
      row.name.padEnd(24),
      row.seconds.toFixed(2).padStart(6),
      row.gbPerSecond.toFixed(3).padStart(6),
      row.toBare.toFixed(2).padStart(9),
      row.mainThreadSeconds.toFixed(3).padStart(13),
      row.mainThreadSecondsPerGiB.toFixed(3).padStart(14),
      row.mainThreadSecondsOnce.toFixed(3).padStart(7),
    ].join('  '),
  );
  return [
    'way                            s    GB/s   to bare  main thread s  s per GiB more   s once',
    ...lines,
    '',
    'main thread s: of the whole upload. s per GiB more: that less the same of a quarter of the file, over the GiB between.',
    's once: what is left for an upload of no bytes.',
  ].join('\n');
}
