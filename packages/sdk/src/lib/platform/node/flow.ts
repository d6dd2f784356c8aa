import type { RateLimiter } from './rate-limiter.ts';

/** How the bytes of all connections go out. */
export interface Flow {
  /** Bytes to write at once. */
  pieceBytes(): number;
  /** Resolves when so many bytes may go. */
  admit(bytes: number, signal: AbortSignal): Promise<void>;
  /** A piece was written, and how long that took. */
  wrote(tookMs: number): void;
}

/** A write that takes longer than this is made of smaller pieces from then on: progress must be told from a stall. */
const SLOW_WRITE_MS = 500;
const FAST_WRITE_MS = 50;
const MIN_PIECE_BYTES = 16 * 1024;

/** Pieces as large as the buffer while the network takes them at once, smaller ones on a slow line. */
export function createFlow(bufferBytes: number, limiter: RateLimiter | undefined): Flow {
  const maxBytes = Math.min(bufferBytes, limiter?.maxPieceBytes ?? bufferBytes);
  const minBytes = Math.min(maxBytes, MIN_PIECE_BYTES);
  // The first ones go as soon as there is a connection, and tell how long that took.
  let pieceBytes = minBytes;
  return {
    pieceBytes: () => pieceBytes,
    admit: async (bytes, signal) => await limiter?.take(bytes, signal),
    wrote(tookMs) {
      if (tookMs > SLOW_WRITE_MS) pieceBytes = Math.max(minBytes, Math.floor(pieceBytes / 2));
      else if (tookMs < FAST_WRITE_MS) pieceBytes = Math.min(maxBytes, pieceBytes * 2);
    },
  };
}
