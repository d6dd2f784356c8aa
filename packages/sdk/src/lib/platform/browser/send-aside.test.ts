import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createAside } from './send-aside.ts';

let alive = 0;

beforeEach(() => {
  alive = 0;
  vi.useFakeTimers();
  vi.stubGlobal(
    'Worker',
    class {
      constructor() {
        alive++;
      }
      terminate(): void {
        alive--;
      }
    },
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('one that was started before a file was picked waits for a minute, and ten seconds once one was', () => {
  const { getReady } = createAside(() => Promise.reject(new Error('nothing is sent')));
  getReady(true);
  vi.advanceTimersByTime(59_000);
  expect(alive).toBe(1);
  vi.advanceTimersByTime(3_000);
  expect(alive).toBe(0);
  getReady(true);
  vi.advanceTimersByTime(30_000);
  getReady(false);
  // Another uploader is made meanwhile.
  getReady(true);
  vi.advanceTimersByTime(9_000);
  expect(alive).toBe(1);
  vi.advanceTimersByTime(3_000);
  expect(alive).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
