import type { Connectivity } from '../../ports/connectivity.ts';

/**
 * Asks the browser. "Online" may be wrong and costs an attempt then; "offline" is right, but for servers on this very
 * machine: pages that it serves itself count as online.
 */
export const browserConnectivity: Connectivity = { whenOnline };

const LOOPBACK = /^(localhost|127\..+|\[::1\])$/;

function whenOnline(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    if (navigator.onLine || LOOPBACK.test(location.hostname)) return resolve();
    addEventListener('online', () => resolve(), { once: true, signal });
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}
