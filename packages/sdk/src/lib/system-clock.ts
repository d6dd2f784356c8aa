import type { Clock } from './ports/clock.ts';

/** The runtime's own clock, timers and chance. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  nowEpochMs: () => Date.now(),
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
  // 8 stands for the variant, whose two upper bits are 10: only its two lower ones are random.
  return '10000000-1000-4000-8000-100000000000'.replaceAll(/[018]/g, (digit) =>
    (+digit ^ (Number(crypto.getRandomValues(new Uint8Array(1))) & (15 >> (+digit / 4)))).toString(16),
  );
}
