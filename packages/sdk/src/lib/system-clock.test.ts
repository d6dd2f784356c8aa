import { describe, expect, it } from 'vitest';
import { systemClock } from './system-clock.ts';

describe('systemClock', () => {
  it('makes UUIDs of version 4 that are never the same', () => {
    const made = Array.from({ length: 1_000 }, systemClock.randomUuid);
    expect(new Set(made).size).toBe(made.length);
    for (const uuid of made)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // Every free bit is used: no position is the same in all of them.
    for (const at of [0, 9, 15, 20, 35])
      expect(new Set(made.map((uuid) => uuid[at])).size).toBeGreaterThan(10);
    expect(new Set(made.map((uuid) => uuid[19]))).toEqual(new Set(['8', '9', 'a', 'b']));
  });

  it('wakes up when it is aborted, with the reason', async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, stop.signal);
    const reason = new Error('morning');
    stop.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(systemClock.sleep(60_000, stop.signal)).rejects.toBe(reason);
  });
});
