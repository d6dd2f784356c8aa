import type { Report } from './measure.ts';

const GIB = 1024 ** 3;

/** A table for people. */
export function formatReport(report: Report): string {
  const { store, from, sizeBytes, partCount, broken } = report;
  const rows: readonly (readonly [string, string])[] = [
    ['bytes of the object', String(sizeBytes)],
    [
      'bytes between coordinators and store',
      `${report.storeBytes} (${percent(report.storeBytes / sizeBytes)})`,
    ],
    [
      'bytes that coordinators read and wrote',
      `${report.processBytes} (${percent(report.processBytes / sizeBytes)})`,
    ],
    ['seconds that the store copied', report.seconds.toFixed(1)],
    ['GB/s', report.gbPerSecond.toFixed(2)],
    ['parts', String(partCount)],
    ['  copied when the process was killed', String(report.copiedBeforeKill)],
    ['  on their way then', String(report.inFlightAtKill)],
    ['  asked for by the other one', String(report.askedAfterKill)],
    ['  copied, and copied again', String(report.copiedAgain)],
    ['seconds until the other one went on', report.waitSeconds.toFixed(1)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const before = from === 'nothing' ? 'no encryption' : 'sse-c';
  return [
    `\n${(sizeBytes / GIB).toFixed(2)} GiB on ${store}, from ${before} to sse-c under another key\n`,
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    broken.length === 0
      ? '\nThe key that won opens the object, whose content is what was sent; no other key does.\n'
      : `\nDoes not hold: ${broken.join('; ')}.\n`,
  ].join('\n');
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(3)} %`;
}
