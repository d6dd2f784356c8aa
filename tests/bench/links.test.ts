import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HELP, readArguments } from '../../bench/links/arguments.ts';
import { LINKS } from '../../bench/links/specs.ts';
import { formatTable, idealSeconds, type Measurement, type Run, toRows } from '../../bench/links/table.ts';
import { UsageError } from '../../bench/links/usage-error.ts';

const MIB = 1024 ** 2;
const SEEN = { puts: 16, preflights: 0, connections: 8, sentRatio: 1 };

function measurementOf(...runs: readonly Run[]): Measurement {
  const line = { link: '100mbit-80ms', roundTripMs: 80, blackoutSeconds: 0 };
  const capacity = { mbitOf4: 100, mbitOf16: 200 };
  return { ...line, capacity, sizeBytes: 128 * MIB, runs };
}

describe('readArguments', () => {
  it('measures every client on every line three times, without a blackout, if nothing is asked', () => {
    const asked = readArguments([]);
    expect(asked).toMatchObject({ links: LINKS, rounds: 3, blackoutSeconds: 0, json: false });
    expect(asked?.clients).toHaveLength(5);
  });

  it('takes what is named, in its own order', () => {
    const asked = readArguments(['--only', '1gbit-150ms', '--clients', 'uppy-6.3,longhaul-page']);
    expect(asked?.links.map(({ name }) => name)).toEqual(['1gbit-150ms']);
    expect(asked?.clients).toEqual(['longhaul-page', 'uppy-6.3']);
  });

  it('is quick with the smallest size and one round', () => {
    const asked = readArguments(['--quick', '--only', '1gbit-150ms']);
    expect(asked?.links[0]?.sizesMiB).toEqual([256]);
    expect(asked?.rounds).toBe(1);
    expect(readArguments(['--quick', '--sizes', '64,32', '--rounds', '5'])).toMatchObject({ rounds: 5 });
    expect(readArguments(['--quick', '--sizes', '64,32'])?.links[0]?.sizesMiB).toEqual([32]);
  });

  it('takes the small files of those lines that have one', () => {
    const asked = readArguments(['--small']);
    expect(asked?.links.map(({ sizesMiB }) => sizesMiB)).toEqual([[128], [1024, 256], [64], [16]]);
    expect(readArguments(['--small', '--sizes', '7'])?.links[2]?.sizesMiB).toEqual([7]);
  });

  it.each([
    [['--blackout'], 60],
    [['--blackout-seconds', '5'], 5],
    [['--blackout', '--blackout-seconds', '7'], 7],
  ])('%j is a blackout of %i s', (words, seconds) => {
    expect(readArguments(words)?.blackoutSeconds).toBe(seconds);
  });

  it.each([
    [['--only', 'moon']],
    [['--clients', 'ftp']],
    [['--rounds', '0']],
    [['--sizes', '1,x']],
    [['--huh']],
  ])('refuses %j', (words) => {
    expect(() => readArguments(words)).toThrow(UsageError);
  });

  it('answers nothing when help is asked for', () => {
    expect(readArguments(['--help'])).toBeUndefined();
  });
});

describe('the table', () => {
  it('calls ideal what the line can carry, one round trip and the blackout', () => {
    const capacity = { mbitOf4: 100, mbitOf16: 200 };
    const measurement = { sizeBytes: 125e6, capacity, roundTripMs: 80, blackoutSeconds: 60 };
    expect(idealSeconds(measurement)).toBeCloseTo(10 + 0.08 + 60, 9);
    expect(idealSeconds(measurement, capacity.mbitOf16)).toBeCloseTo(5 + 0.08 + 60, 9);
  });

  it('compares medians, each peer with Longhaul on the same platform', () => {
    const seconds = (client: Run['client'], ...values: number[]): Run[] =>
      values.map((value) => ({ client, seconds: value, ...SEEN }));
    const rows = toRows(
      measurementOf(
        ...seconds('longhaul', 12, 30, 11),
        ...seconds('lib-storage', 24, 24, 24),
        ...seconds('longhaul-page', 20, 20, 20),
        ...seconds('uppy-6.3', 30, 30, 30),
      ),
    );
    expect(rows.map(({ client, seconds: median, toOurs }) => [client, median, toOurs])).toEqual([
      ['longhaul', 12, undefined],
      ['lib-storage', 24, 2],
      ['longhaul-page', 20, undefined],
      ['uppy-6.3', 30, 1.5],
    ]);
    expect(rows[0]?.toIdeal).toBeCloseTo(12 / (128 * MIB * 8e-8 + 0.08), 9);
    expect(rows[0]?.toFull).toBeCloseTo(12 / (128 * MIB * 4e-8 + 0.08), 9);
    expect(rows[0]?.spread).toEqual([11, 30]);
  });

  it('shows who failed, and why', () => {
    const failed: Run = { client: 'uppy-6.3', failure: 'Error: no network', ...SEEN };
    const done: Run = { client: 'longhaul', seconds: 12, ...SEEN };
    const broken: Run = { client: 'longhaul', failure: 'not done after 60 s', ...SEEN };
    const text = formatTable(measurementOf(done, broken, failed));
    expect(text).toMatch(/uppy-6\.3 +failed: Error: no network/);
    expect(text).toMatch(/longhaul .* 1 failed: not done after 60 s/);
  });
});

describe('bench links', () => {
  it('says how it is used, and refuses what it does not know with status 2', () => {
    const bench = join(import.meta.dirname, '../../bench/links.ts');
    const help = spawnSync(process.execPath, [bench, '--help'], { encoding: 'utf8' });
    expect([help.status, help.stdout]).toEqual([0, HELP]);
    const refused = spawnSync(process.execPath, [bench, '--only', 'moon'], { encoding: 'utf8' });
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('100mbit-80ms');
  });
});
