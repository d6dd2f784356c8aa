import { describe, expect, it } from 'vitest';
import { everyClient } from './bias.ts';
import { BRANCHES } from './engine/branches.ts';
import { medianOf } from './engine/tally.ts';
import { runSchedule, type ScheduleReport } from './run-schedule.ts';

const SEEDS = Array.from({ length: 100 }, (_, index) => index + 1);

const PATIENCE_MS = 180_000;

describe('a schedule', () => {
  it.each([3, 98, 252])('replays exactly from its seed (%d)', async (seed) => {
    const first = await runSchedule({ seed });
    const again = await runSchedule({ seed, keepTrace: true });
    expect(again.hash).toBe(first.hash);
    expect(again.eventCount).toBe(first.eventCount);
    expect(again.trace.length).toBeGreaterThan(50);
    expect((await runSchedule({ seed: seed + 1 })).hash).not.toBe(first.hash);
  });

  it('leaves the world as it was', async () => {
    const before = [setTimeout, clearTimeout, AbortSignal.timeout, Blob, crypto.subtle];
    await runSchedule({ seed: 1 });
    expect([setTimeout, clearTimeout, AbortSignal.timeout, Blob, crypto.subtle]).toEqual(before);
  });
});

describe('the coordinator and the SDK, whatever fails', () => {
  it(
    'come to one truthful end in each of a fixed set of schedules',
    async () => {
      const reports: ScheduleReport[] = [];
      for (const seed of SEEDS) reports.push(await runSchedule({ seed }));
      const violations = reports.flatMap(({ seed, violations: found }) =>
        found.map((violation) => `seed ${seed}: ${violation}`),
      );
      expect(violations).toEqual([]);
      // Nothing is proved by schedules in which nothing happens.
      expect(medianOf(reports.map((report) => report.actorCount))).toBeGreaterThanOrEqual(3);
      expect(medianOf(reports.map((report) => report.faultCount))).toBeGreaterThanOrEqual(2);
      expect(medianOf(reports.map((report) => report.crashCount))).toBeGreaterThanOrEqual(1);
      const hit = new Set(reports.flatMap(({ branches }) => [...branches.keys()]));
      expect(BRANCHES.filter((branch) => hit.has(branch)).length).toBeGreaterThan(BRANCHES.length / 2);
    },
    PATIENCE_MS,
  );

  it(
    'never take a stream that broke off for a whole one',
    async () => {
      const breaking = everyClient((client) => ({
        ...client,
        editsWhileDead: false,
        stream: {
          knowsSize: true,
          chunkMs: 100,
          breaks: { atBytes: client.file.sizeBytes >> 1, how: 'ends' },
        },
      }));
      const reports: ScheduleReport[] = [];
      for (const seed of SEEDS.slice(0, 10)) reports.push(await runSchedule({ seed, bias: breaking }));
      expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
      const broken = reports.reduce((sum, { faults }) => sum + (faults.get('stream broke off') ?? 0), 0);
      expect(broken).toBeGreaterThan(10);
    },
    PATIENCE_MS,
  );
});
