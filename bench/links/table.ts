import { median } from '../measuring/median.ts';
import type { Capacity } from './capacity.ts';
import { type ClientName, clientNamed } from './clients.ts';

/** One upload of one client. */
export interface Run {
  readonly client: ClientName;
  readonly seconds?: number;
  readonly failure?: string;
  /** What the sink saw of it. */
  readonly puts: number;
  readonly preflights: number;
  readonly connections: number;
  /** Bytes that the sink read, over the size of the file: above 1 for what was sent again. */
  readonly sentRatio: number;
}

/** All uploads of one file over one line. */
export interface Measurement {
  readonly link: string;
  readonly sizeBytes: number;
  readonly roundTripMs: number;
  readonly blackoutSeconds: number;
  readonly capacity: Capacity;
  readonly runs: readonly Run[];
}

/** What is shown of a client. */
export interface Row {
  readonly client: ClientName;
  readonly failed: number;
  readonly failure: string | undefined;
  /** Median, and the least and most. */
  readonly seconds: number;
  readonly spread: readonly [number, number];
  readonly mbitPerSecond: number;
  readonly toIdeal: number;
  /** As `toIdeal`, against what sixteen curls carry. */
  readonly toFull: number;
  /** Its time over Longhaul's time on the same platform, above 1 where Longhaul is faster; none for Longhaul itself. */
  readonly toOurs: number | undefined;
  readonly puts: number;
  readonly preflights: number;
  readonly connections: number;
  readonly sentRatio: number;
}

/** Seconds that nobody can go below: the bytes at what four curls carry, a connection's first round trip, the blackout. */
export function idealSeconds(
  { sizeBytes, capacity, roundTripMs, blackoutSeconds }: Omit<Measurement, 'link' | 'runs'>,
  mbitPerSecond: number = capacity.mbitOf4,
): number {
  return (sizeBytes * 8) / 1e6 / mbitPerSecond + roundTripMs / 1000 + blackoutSeconds;
}

/** One row for each client, in the order in which they ran. */
export function toRows(measurement: Measurement): Row[] {
  const names = [...new Set(measurement.runs.map(({ client }) => client))];
  const times = new Map(names.map((name) => [name, secondsOf(measurement, name)]));
  return names.map((name) => {
    const { platform, isOurs } = clientNamed(name);
    const runs = measurement.runs.filter(({ client }) => client === name);
    const ours = names.find((other) => clientNamed(other).isOurs && clientNamed(other).platform === platform);
    const own = times.get(name) ?? [];
    const seconds = median(own);
    return {
      client: name,
      failed: runs.length - own.length,
      failure: runs.find(({ failure }) => failure !== undefined)?.failure,
      seconds,
      spread: [Math.min(...own), Math.max(...own)],
      mbitPerSecond: (measurement.sizeBytes * 8) / 1e6 / seconds,
      toIdeal: seconds / idealSeconds(measurement),
      toFull: seconds / idealSeconds(measurement, measurement.capacity.mbitOf16),
      toOurs: isOurs || !ours ? undefined : seconds / median(times.get(ours) ?? []),
      puts: median(runs.map(({ puts }) => puts)),
      preflights: median(runs.map(({ preflights }) => preflights)),
      connections: median(runs.map(({ connections }) => connections)),
      sentRatio: median(runs.map(({ sentRatio }) => sentRatio)),
    };
  });
}

function secondsOf({ runs }: Measurement, name: ClientName): number[] {
  return runs.flatMap(({ client, seconds }) => (client === name && seconds !== undefined ? [seconds] : []));
}

const HEAD =
  'client               s   [min–max]         Mbit/s   ×ideal   ×full   ×Longhaul   PUTs  preflights  connections  sent';

/** The rows as text. */
export function formatTable(measurement: Measurement): string {
  const { sizeBytes, blackoutSeconds } = measurement;
  const ideal = idealSeconds(measurement).toFixed(2);
  const dark = blackoutSeconds > 0 ? `, ${blackoutSeconds} s of blackout` : '';
  const title = `${sizeBytes / 1024 ** 2} MiB${dark}: ideal ${ideal} s`;
  return [title, HEAD, ...toRows(measurement).map(formatRow)].join('\n');
}

function formatRow(row: Row): string {
  const name = row.client.padEnd(14);
  if (Number.isNaN(row.seconds)) return `${name}  failed: ${row.failure}`;
  const [least, most] = row.spread.map((seconds) => seconds.toFixed(2));
  return [
    name,
    row.seconds.toFixed(2).padStart(7),
    `[${least}–${most}]`.padEnd(16),
    row.mbitPerSecond.toFixed(1).padStart(7),
    row.toIdeal.toFixed(2).padStart(7),
    row.toFull.toFixed(2).padStart(6),
    (row.toOurs?.toFixed(2) ?? '').padStart(10),
    String(row.puts).padStart(6),
    String(row.preflights).padStart(10),
    String(row.connections).padStart(11),
    row.sentRatio.toFixed(2).padStart(6),
    row.failed > 0 ? ` ${row.failed} failed: ${row.failure}` : '',
  ]
    .join('  ')
    .trimEnd();
}
