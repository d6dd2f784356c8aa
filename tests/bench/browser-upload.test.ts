import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatPageRows, toPageRows } from '../../bench/browser-upload/rows.ts';

const costs = (mainThreadSeconds: number, ...seconds: number[]) =>
  seconds.map((value) => ({ seconds: value, mainThreadSeconds }));

describe('bench browser-upload', () => {
  it('compares the median throughput of every way with that of the first', () => {
    const rows = toPageRows(2 * 1024 ** 3, [
      { name: 'bare', costs: costs(0.125, 4, 9, 3), quarterCosts: costs(0.125, 1, 1, 1) },
      { name: 'ours', costs: costs(0.375, 5, 5, 5), quarterCosts: costs(0.1875, 1, 1, 1) },
    ]);
    expect(rows[0]).toMatchObject({ seconds: 4, toBare: 1, mainThreadSeconds: 0.125 });
    expect(rows[0]?.mainThreadSecondsPerGiB).toBe(0);
    expect(rows[1]).toMatchObject({ seconds: 5, toBare: 0.8, mainThreadSecondsPerGiB: 0.125 });
    expect(rows[1]?.mainThreadSecondsOnce).toBe(0.125);
    expect(rows[1]?.gbPerSecond).toBeCloseTo(0.4295, 4);
    expect(formatPageRows(rows)).toMatch(/ours +5\.00 +0\.429 +0\.80 +0\.375 +0\.125 +0\.125/);
  });

  it('says how it is used', () => {
    const bench = join(import.meta.dirname, '../../bench/browser-upload.ts');
    const help = spawnSync(process.execPath, [bench, '--help'], { encoding: 'utf8' });
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('bench browser-upload');
  });
});
