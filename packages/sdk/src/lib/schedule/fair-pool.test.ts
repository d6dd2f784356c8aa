import { describe, expect, it } from 'vitest';
import { createFairPool, type FairPool } from './fair-pool.ts';

const { signal: calm } = new AbortController();
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Queues tasks that end when they are told to, and says which have begun. */
function runners(pool: FairPool): {
  readonly begun: string[];
  add(owner: object, name: string, signal?: AbortSignal): Promise<void>;
  end(name: string): Promise<void>;
} {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    begun,
    add: (owner, name, signal = calm) =>
      pool.run(owner, signal, () => {
        begun.push(name);
        return new Promise((resolve) => ends.set(name, resolve));
      }),
    async end(name) {
      ends.get(name)?.();
      await settle();
    },
  };
}

describe('a fair pool', () => {
  it('puts who has left and comes back behind those who have waited meanwhile', async () => {
    const pool = createFairPool(1);
    const { begun, add, end } = runners(pool);
    const [first, leaving, patient] = [{}, {}, {}];
    const all = [add(first, 'a')];
    const pause = new AbortController();
    const left = add(leaving, 'b', pause.signal);
    await settle();
    pause.abort(new Error('paused'));
    await expect(left).rejects.toThrow('paused');
    all.push(add(patient, 'c'), add(leaving, 'b'));
    await end('a');
    expect(begun).toEqual(['a', 'c']);
    for (const name of ['c', 'b']) await end(name);
    await Promise.all(all);
  });

  it('gives a free place to who has the fewest, not to who has queued the most', async () => {
    const pool = createFairPool(2);
    const { begun, add, end } = runners(pool);
    const [large, small] = [{}, {}];
    const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => add(large, name));
    await settle();
    all.push(add(small, 'b1'));
    await end('a1');
    expect(begun).toEqual(['a1', 'a2', 'b1']);
    for (const name of ['a2', 'b1', 'a3', 'a4', 'a5']) await end(name);
    await Promise.all(all);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'a3', 'a4', 'a5']);
  });

  it('takes turns when there is one place only', async () => {
    const pool = createFairPool(1);
    const { begun, add, end } = runners(pool);
    const [one, other] = [{}, {}];
    for (const name of ['a1', 'a2', 'a3']) void add(one, name);
    for (const name of ['b1', 'b2']) void add(other, name);
    await settle();
    for (const name of ['a1', 'b1', 'a2', 'b2', 'a3']) await end(name);
    expect(begun).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
    expect(pool.isFull).toBe(false);
  });

  it('moves its width while it runs', async () => {
    const pool = createFairPool(1);
    const { begun, add, end } = runners(pool);
    const owner = {};
    for (const name of ['1', '2', '3', '4']) void add(owner, name);
    await settle();
    expect(begun).toEqual(['1']);
    expect(pool).toMatchObject({ isFull: true, isCrowded: true });
    pool.width = 3;
    await settle();
    expect(begun).toEqual(['1', '2', '3']);
    pool.width = 1;
    await end('1');
    await end('2');
    expect(begun).toHaveLength(3);
    await end('3');
    expect(begun).toHaveLength(4);
  });

  it('leaves the queue at once when it is aborted, and then never runs', async () => {
    const pool = createFairPool(1);
    const { begun, add, end } = runners(pool);
    const stop = new AbortController();
    void add({}, 'first');
    const queued = add({}, 'second', stop.signal);
    stop.abort(new Error('enough'));
    await expect(queued).rejects.toThrow('enough');
    void add({}, 'third');
    await end('first');
    expect(begun).toEqual(['first', 'third']);
  });

  it('leaves a task that has begun to deal with the abort itself, and gives its place back when it fails', async () => {
    const pool = createFairPool(1);
    const stop = new AbortController();
    const done = pool.run({}, stop.signal, async () => {
      stop.abort(new Error('enough'));
      return 'done all the same';
    });
    await expect(done).resolves.toBe('done all the same');
    await expect(pool.run({}, calm, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(pool.run({}, calm, async () => 5)).resolves.toBe(5);
  });
});
