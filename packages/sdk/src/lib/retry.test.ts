import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Circumstances, judgeStatus, nextDelayMs, retryPolicy, type Trouble } from './retry.ts';

const DEFAULT_RETRY = retryPolicy();

const counted = fc.constantFrom<Trouble>('transient', 'throttled');
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function delay(
  trouble: Trouble,
  { randomFraction = 0.5, ...circumstances }: Partial<Circumstances> & { randomFraction?: number },
): number | undefined {
  return nextDelayMs(DEFAULT_RETRY, trouble, { failures: 1, renewals: 0, ...circumstances }, randomFraction);
}

describe('nextDelayMs', () => {
  it('never waits longer than allowed, and gives up exactly at the last attempt', () => {
    fc.assert(
      fc.property(
        counted,
        fc.integer({ min: 1, max: 1_000 }),
        fraction,
        (trouble, failures, randomFraction) => {
          const delayMs = delay(trouble, { failures, randomFraction });
          expect(delayMs === undefined).toBe(failures >= DEFAULT_RETRY.maxAttempts);
          expect(delayMs ?? 0).toBeLessThanOrEqual(DEFAULT_RETRY.maxDelayMs);
        },
      ),
    );
  });

  it('spreads the wait over everything from nothing to a ceiling that doubles', () => {
    expect(delay('transient', { failures: 3, randomFraction: 0 })).toBe(0);
    expect(delay('transient', { failures: 1 })).toBe(50);
    expect(delay('transient', { failures: 4 })).toBe(400);
    expect(delay('throttled', { failures: 1 })).toBe(500);
    expect(delay('throttled', { failures: 9 })).toBe(10_000);
  });

  it('waits as long as the server asks, within a minute', () => {
    expect(delay('throttled', { retryAfterSeconds: 7 })).toBe(7_000);
    expect(delay('throttled', { retryAfterSeconds: 86_400 })).toBe(60_000);
    expect(delay('transient', { failures: 4, retryAfterSeconds: 0.1 })).toBe(400);
  });

  it('asks for a fresh URL at once, twice in a row, whatever failed before', () => {
    expect(delay('refused-url', { failures: 500, renewals: 1 })).toBe(0);
    expect(delay('refused-url', { failures: 0, renewals: 2 })).toBe(0);
    expect(delay('refused-url', { failures: 0, renewals: 3 })).toBeUndefined();
  });

  it('asks for a fresh URL once when the signature is refused', () => {
    expect(delay('refused-signature', { renewals: 1 })).toBe(0);
    expect(delay('refused-signature', { renewals: 2 })).toBeUndefined();
  });

  it('goes on at once, however often, after a sleep of the machine', () => {
    expect(delay('interrupted', { failures: 500, renewals: 7 })).toBe(0);
  });

  it('gives up at once on what nothing will help', () => {
    expect(delay('fatal', { troubledMs: 0 })).toBeUndefined();
  });

  it('has patience with a server that has answered before, by time', () => {
    expect(delay('transient', { failures: 30, troubledMs: 119_999 })).toBeDefined();
    expect(delay('transient', { failures: 30, troubledMs: 120_000 })).toBeUndefined();
    expect(delay('transient', { failures: 9, troubledMs: 1_000_000 })).toBeDefined();
    expect(delay('transient', { failures: 10 })).toBeUndefined();
    const named = retryPolicy({ maxAttempts: 3 });
    expect(nextDelayMs(named, 'transient', { failures: 3, renewals: 0, troubledMs: 1 }, 0.5)).toBeUndefined();
  });
});

describe('judgeStatus', () => {
  it.each([
    [0, 'transient'],
    [408, 'transient'],
    [500, 'transient'],
    [502, 'transient'],
    [504, 'transient'],
    [429, 'throttled'],
    [503, 'throttled'],
    [400, 'fatal'],
    [404, 'fatal'],
    [409, 'fatal'],
    [501, 'fatal'],
    [307, 'fatal'],
  ] as const)('takes %i for %s', (status, trouble) => {
    expect(judgeStatus(status)).toBe(trouble);
  });
});
