import { createHash } from 'node:crypto';
import type { Scheduler } from './scheduler.ts';

/**
 * Runs `work` in a world where timers keep virtual time, and where digests and blobs, which the runtime computes on
 * threads of its own, are there at once: nothing is left that could come in another order the next time.
 */
export async function withVirtualGlobals<Result>(
  scheduler: Scheduler,
  work: () => Promise<Result>,
): Promise<Result> {
  const real = { setTimeout, clearTimeout, Blob };
  const { subtle } = crypto;
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (delayMs) => {
    const controller = new AbortController();
    scheduler.after(delayMs, () => controller.abort(new DOMException('It took too long.', 'TimeoutError')));
    return controller.signal;
  };
  Object.assign(globalThis, { ...virtualTimers(scheduler), Blob: VirtualBlob });
  Object.defineProperty(crypto, 'subtle', { configurable: true, value: { digest } });
  try {
    return await work();
  } finally {
    Object.assign(globalThis, real);
    AbortSignal.timeout = timeout;
    Object.defineProperty(crypto, 'subtle', { configurable: true, value: subtle });
  }
}

interface VirtualTimer {
  cancel(): void;
  ref(): VirtualTimer;
  unref(): VirtualTimer;
}

function virtualTimers(scheduler: Scheduler): object {
  return {
    setTimeout(work: (...values: unknown[]) => void, delayMs = 0, ...values: unknown[]): VirtualTimer {
      const { cancel } = scheduler.after(delayMs, () => work(...values));
      const timer: VirtualTimer = { cancel, ref: () => timer, unref: () => timer };
      return timer;
    },
    clearTimeout(timer: VirtualTimer | undefined): void {
      timer?.cancel();
    },
  };
}

/** SHA-256 is all that is asked for. */
async function digest(_algorithm: string, bytes: ArrayBuffer): Promise<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = createHash('sha256').update(new Uint8Array(bytes)).digest();
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/** Samples of simulated files differ in their first bytes; the rest are zeros that nobody needs to digest. */
const TELLING_BYTES = 64;

/** As much of a Blob as a fingerprint needs. */
class VirtualBlob {
  readonly parts: readonly (string | Uint8Array)[];

  constructor(parts: readonly (string | Uint8Array)[] = []) {
    this.parts = parts;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const telling = this.parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part) : part.subarray(0, TELLING_BYTES),
    );
    const whole = Buffer.concat(telling);
    return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength) as ArrayBuffer;
  }
}
