import type { Connectivity } from '../../ports/connectivity.ts';

/**
 * Asks the browser. "Online" may be wrong and costs an attempt then; "offline" is right, but for servers on this very
 * machine: pages that it serves itself count as online.
 */
export const browserConnectivity: Connectivity = { whenOnline };

function whenOnline(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    if (navigator.onLine || isLoopback(location.hostname)) return resolve();
    const leave = (): void => {
      removeEventListener('online', arrive);
      reject(signal?.reason);
    };
    const arrive = (): void => {
      signal?.removeEventListener('abort', leave);
      resolve();
    };
    addEventListener('online', arrive, { once: true });
    signal?.addEventListener('abort', leave, { once: true });
  });
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}
