import type { Clock } from './ports/clock.ts';

/** The runtime's own clock, timers and chance. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleep,
  randomFraction: () => Math.random(),
  randomUuid,
};

function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    }, delayMs);
    signal.addEventListener('abort', leave);
  });
}

/** `crypto.randomUUID` is missing on pages without TLS; `getRandomValues` is not. */
function randomUuid(): string {
  return '10000000-1000-4000-8000-100000000000'.replaceAll(/[018]/g, (digit) => {
    const random = (crypto.getRandomValues(new Uint8Array(1))[0] ?? 0) & 15;
    // 8 stands for the variant: its two upper bits are 10.
    return (digit === '8' ? 8 | (random & 3) : random).toString(16);
  });
}
