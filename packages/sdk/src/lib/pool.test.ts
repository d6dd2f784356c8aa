import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { runInPool } from './pool.ts';

describe('runInPool', () => {
  it('leaves the queue at once when it is aborted, and then never runs', async () => {
    const pool = pLimit(1);
    let release = (): void => {};
    const blocking = runInPool(
      pool,
      new AbortController().signal,
      () => new Promise<void>((resolve) => (release = resolve)),
    );
    const stop = new AbortController();
    let hasRun = false;
    const queued = runInPool(pool, stop.signal, async () => {
      hasRun = true;
    });
    stop.abort(new Error('enough'));
    await expect(queued).rejects.toThrow('enough');
    release();
    await blocking;
    await pool(() => {});
    expect(hasRun).toBe(false);
  });

  it('leaves a task that has begun to deal with the abort itself', async () => {
    const stop = new AbortController();
    const running = runInPool(pLimit(1), stop.signal, async () => {
      stop.abort(new Error('enough'));
      return 'done all the same';
    });
    await expect(running).resolves.toBe('done all the same');
  });

  it('gives its place back when a task fails', async () => {
    const pool = pLimit(1);
    const { signal } = new AbortController();
    await expect(runInPool(pool, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(runInPool(pool, signal, async () => 5)).resolves.toBe(5);
  });
});
