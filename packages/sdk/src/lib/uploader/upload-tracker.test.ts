import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UploadProgress } from '../progress.ts';
import { createEmitter } from './emitter.ts';
import {
  createUploadTracker,
  type PartProgress,
  type TrackerEvents,
  type UploadTracker,
} from './upload-tracker.ts';

const PART_BYTES = 1_000;

function start(
  parts: number,
  received: number,
): {
  tracker: UploadTracker;
  told: UploadProgress[];
  parts: PartProgress[];
  tick(ms: number): void;
} {
  let nowMs = 0;
  const told: UploadProgress[] = [];
  const heard: PartProgress[] = [];
  const clock = {
    nowMs: () => nowMs,
    sleep: async () => {},
    randomFraction: () => 0,
    randomUuid: () => '',
  };
  const { on, emit } = createEmitter<TrackerEvents>();
  on('part', (part) => heard.push(part));
  on('progress', (progress) => told.push(progress));
  const tracker = createUploadTracker(clock, emit);
  const receivedParts = Array.from({ length: received }, (_, index) => ({
    partNumber: index + 1,
    sizeBytes: PART_BYTES,
  }));
  tracker.begin(parts * PART_BYTES, receivedParts);
  return { tracker, told, parts: heard, tick: (ms) => (nowMs += ms) };
}

describe('the tracker', () => {
  it('never goes back and never beyond the end, whatever attempts fail', () => {
    const move = fc.record({
      partNumber: fc.integer({ min: 1, max: 10 }),
      sentBytes: fc.integer({ min: 0, max: PART_BYTES }),
      spanMs: fc.integer({ min: 0, max: 500 }),
    });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 100 }), (moves) => {
        const { tracker, told, tick } = start(10, 3);
        for (const { partNumber, sentBytes, spanMs } of moves) {
          tick(spanMs);
          tracker.partMoved({ partNumber, sizeBytes: PART_BYTES }, sentBytes);
        }
        const sent = told.map(({ sentBytes }) => sentBytes);
        expect(sent).toEqual(sent.toSorted((a, b) => a - b));
        expect(sent[0]).toBe(3 * PART_BYTES);
        expect(sent.at(-1)).toBeLessThanOrEqual(10 * PART_BYTES);
      }),
    );
  });

  it('ends at the total once every part is stored, whatever happened on the way', () => {
    const move = fc.record({
      partNumber: fc.integer({ min: 1, max: 10 }),
      sentBytes: fc.integer({ min: 0, max: PART_BYTES }),
      spanMs: fc.integer({ min: 0, max: 5_000 }),
      next: fc.constantFrom('move', 'rest', 'restart'),
    });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const { tracker, told, tick } = start(10, 3);
        const look = ({ sentBytes, totalBytes, bytesPerSecond, etaSeconds = 0 }: UploadProgress): void => {
          expect(totalBytes).toBe(10 * PART_BYTES);
          expect(sentBytes).toBeLessThanOrEqual(10 * PART_BYTES);
          expect(bytesPerSecond).toBeGreaterThanOrEqual(0);
          expect(etaSeconds).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(bytesPerSecond) && Number.isFinite(etaSeconds)).toBe(true);
        };
        for (const { partNumber, sentBytes, spanMs, next } of moves) {
          tick(spanMs);
          tracker.partMoved({ partNumber, sizeBytes: PART_BYTES }, sentBytes);
          if (next === 'rest') tracker.rest();
          if (next === 'restart') tracker.clear();
          if (next === 'restart') tracker.begin(10 * PART_BYTES, []);
          look(tracker.progress());
        }
        for (let partNumber = 1; partNumber <= 10; partNumber++) {
          tracker.partMoved({ partNumber, sizeBytes: PART_BYTES }, PART_BYTES, true);
        }
        told.forEach(look);
        const sent = told.map(({ sentBytes }) => sentBytes);
        expect(sent).toEqual(sent.toSorted((a, b) => a - b));
        expect(sent.at(-1)).toBe(10 * PART_BYTES);
        expect(tracker.progress()).toMatchObject({ sentBytes: 10 * PART_BYTES });
      }),
    );
  });

  it('counts what is sent again as speed, and not as progress', () => {
    const { tracker, tick } = start(2, 0);
    const part = { partNumber: 1, sizeBytes: PART_BYTES };
    for (const sentBytes of [500, 0, 500]) {
      tick(1_000);
      tracker.partMoved(part, sentBytes);
    }
    const { sentBytes, bytesPerSecond, etaSeconds } = tracker.progress();
    expect(sentBytes).toBe(500);
    expect(bytesPerSecond).toBeGreaterThan(300);
    expect(etaSeconds).toBeCloseTo(1_500 / bytesPerSecond);
  });

  it('takes a rest for no slowness', () => {
    const { tracker, told, tick } = start(10, 0);
    const part = { partNumber: 1, sizeBytes: PART_BYTES };
    tick(1_000);
    tracker.partMoved(part, 100);
    tracker.rest();
    expect(told.at(-1)).toEqual({ sentBytes: 100, totalBytes: 10_000, bytesPerSecond: 0 });
    tick(3_600_000);
    tracker.partMoved(part, 200);
    tick(1_000);
    tracker.partMoved(part, 300);
    expect(tracker.progress().bytesPerSecond).toBe(100);
  });

  it('takes what was there before for no speed', () => {
    const { tracker, tick } = start(10, 8);
    tick(1_000);
    tracker.partMoved({ partNumber: 9, sizeBytes: PART_BYTES }, 500);
    expect(tracker.progress()).toEqual({
      sentBytes: 8_500,
      totalBytes: 10_000,
      bytesPerSecond: 500,
      etaSeconds: 3,
    });
  });

  it('tells of the whole ten times a second, and of every part', () => {
    const { tracker, told, parts, tick } = start(1, 0);
    for (let sent = 0; sent < 100; sent++) {
      tracker.partMoved({ partNumber: 1, sizeBytes: PART_BYTES }, sent);
      tick(10);
    }
    expect(told.length).toBe(10);
    expect(parts.length).toBe(100);
  });
});
