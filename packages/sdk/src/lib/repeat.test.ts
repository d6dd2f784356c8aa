import { describe, expect, it } from 'vitest';
import type { Clock } from './ports/clock.ts';
import { type Outcome, repeat } from './repeat.ts';
import { retryPolicy, type Trouble } from './retry.ts';

const { signal } = new AbortController();

/** Repeats over outcomes, of which each attempt takes a second; answers how long it took by the clock. */
async function repeatOver(
  troubles: readonly Trouble[],
  options: { readonly isKnownServer?: boolean; readonly offlineMs?: number } = {},
): Promise<{ readonly failures: number[]; readonly tookMs: number; readonly isGivenUp: boolean }> {
  let nowMs = 0;
  const clock: Clock = {
    nowMs: () => nowMs,
    sleep: async (delayMs) => void (nowMs += delayMs),
    randomFraction: () => 0.999,
    randomUuid: () => '',
  };
  const failures: number[] = [];
  const attempt = async (failed: number): Promise<Outcome<string>> => {
    failures.push(failed);
    nowMs += 1_000;
    const trouble = troubles[failures.length - 1];
    return trouble ? { trouble, error: new Error(trouble) } : { value: 'done' };
  };
  const { isKnownServer = false, offlineMs = 0 } = options;
  const connectivity = { whenOnline: async () => void (nowMs += offlineMs) };
  const input = { clock, connectivity, retry: retryPolicy(), isKnownServer: () => isKnownServer };
  const isGivenUp = await repeat(input, signal, attempt).then(
    () => false,
    () => true,
  );
  return { failures, tookMs: nowMs, isGivenUp };
}

function times(count: number, trouble: Trouble): Trouble[] {
  return Array.from({ length: count }, () => trouble);
}

describe('repeat', () => {
  it('counts failures, but no fresh URLs and no sleep of the machine', async () => {
    const troubles: Trouble[] = ['transient', 'refused-url', 'interrupted', 'throttled', 'interrupted'];
    expect((await repeatOver(troubles)).failures).toEqual([0, 1, 1, 1, 2, 2]);
  });

  it('gives up a server that has never answered after ten attempts', async () => {
    const { failures, isGivenUp } = await repeatOver(times(20, 'transient'));
    expect([failures.length, isGivenUp]).toEqual([10, true]);
  });

  it('gives a server that has answered before two minutes, without the time spent offline', async () => {
    const known = await repeatOver(times(100, 'transient'), { isKnownServer: true });
    expect(known.isGivenUp).toBe(true);
    expect(known.tookMs).toBeGreaterThanOrEqual(120_000);
    expect(known.tookMs).toBeLessThan(150_000);
    const offline = await repeatOver(times(100, 'transient'), { isKnownServer: true, offlineMs: 60_000 });
    expect(offline.failures).toHaveLength(known.failures.length);
  });

  it('begins to count fresh URLs anew when something else has come between', async () => {
    const between: Trouble[] = ['refused-url', 'refused-url', 'transient', 'refused-url', 'refused-url'];
    expect((await repeatOver(between)).isGivenUp).toBe(false);
    expect((await repeatOver(times(3, 'refused-url'))).isGivenUp).toBe(true);
  });
});
