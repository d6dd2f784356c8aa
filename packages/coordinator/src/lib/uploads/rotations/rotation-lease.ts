import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadContext } from '../context.ts';

/** How long others leave a rotation alone whose driver was not heard of. */
export const ROTATION_LEASE_MS = 60_000;
const RENEW_EVERY_MS = 15_000;

/** A rotation that this process drives: nobody else takes it until it is let go. */
export interface RotationLease {
  /** Aborts when somebody else drives it by now: begin nothing more. */
  readonly signal: AbortSignal;
  /** So many more parts are copied; written down with the next renewal. */
  noteCopied(count: number): void;
  lose(): void;
  end(): void;
}

/** Renews a lease until it is ended or lost. */
export function keepLease(context: UploadContext, rotation: RotationRecord): RotationLease {
  const { catalog, clock, onError } = context;
  const lost = new AbortController();
  const over = new AbortController();
  let copiedPartCount = 0;
  const renewing = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(RENEW_EVERY_MS, over.signal);
      const progress = { leaseMs: ROTATION_LEASE_MS, copiedPartCount };
      const isOurs = await catalog.rotations.renew(rotation, progress).catch((error: unknown) => {
        onError(error);
        // Nobody can tell; whatever is written is refused if it is not.
        return true;
      });
      if (!isOurs) return lost.abort();
    }
  };
  // Sleeping rejects when the lease is over.
  renewing().catch(() => undefined);
  return {
    signal: lost.signal,
    noteCopied: (count) => void (copiedPartCount += count),
    lose: () => lost.abort(),
    end: () => over.abort(),
  };
}
