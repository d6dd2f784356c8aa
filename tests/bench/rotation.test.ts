import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openKeyStream } from '../../bench/rotation/key-stream.ts';
import { formatReport } from '../../bench/rotation/report.ts';

describe('bench rotation', () => {
  const report = {
    store: 'MinIO',
    from: 'sse-c',
    sizeBytes: 6 * 1024 ** 3,
    partCount: 24,
    storeBytes: 300_000,
    processBytes: 900_000,
    seconds: 60,
    gbPerSecond: 0.107,
    waitSeconds: 59.6,
    copiedBeforeKill: 9,
    inFlightAtKill: 7,
    askedAfterKill: 15,
    copiedAgain: 0,
    broken: [],
  } as const;

  it('shows what passed through the coordinators, and what was copied again', () => {
    const text = formatReport(report);
    expect(text).toContain('6.00 GiB on MinIO, from sse-c to sse-c under another key');
    expect(text).toMatch(/between coordinators and store +300000 \(0\.005 %\)/);
    expect(text).toMatch(/copied, and copied again +0\n/);
    expect(text).toContain('no other key does');
  });

  it('says what does not hold, and nothing else for it', () => {
    const text = formatReport({ ...report, broken: ['parts were copied again'] });
    expect(text).toContain('Does not hold: parts were copied again.');
    expect(text).not.toContain('no other key does');
  });

  it('sends as many bytes as were asked for, no two blocks of them equal, and knows their digest', async () => {
    const { stream, sha256 } = openKeyStream(2.5 * 1024 ** 2);
    const content = Buffer.concat(await stream.toArray());
    expect(content).toHaveLength(2.5 * 1024 ** 2);
    expect(content.subarray(0, 1024 ** 2).equals(content.subarray(1024 ** 2, 2 * 1024 ** 2))).toBe(false);
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256());
  });

  it('says how it is used, and refuses a server that it does not know with status 2', () => {
    const bench = join(import.meta.dirname, '../../bench/rotation.ts');
    const help = spawnSync(process.execPath, [bench, '--help'], { encoding: 'utf8' });
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('bench rotation');
    const refused = spawnSync(process.execPath, [bench, '--server', 'moon'], { encoding: 'utf8' });
    expect([refused.status, refused.stdout]).toEqual([2, '']);
  });
});
