import type { ChecksumAlgorithm } from '@longhaul/protocol';
import { toBase64 } from '../base64.ts';
import { createHash } from './create-hash.ts';

/** Large enough to be read fast, small enough to be in nobody's way. */
const PIECE_BYTES = 4 * 1024 ** 2;

/** Digests a content, base64: the next piece is read while one is counted. */
export async function digestPieces(
  algorithm: ChecksumAlgorithm,
  sizeBytes: number,
  read: (offsetBytes: number, sizeBytes: number) => Promise<Uint8Array>,
): Promise<string> {
  const hash = createHash(algorithm);
  const readAt = (atBytes: number): Promise<Uint8Array> => {
    const piece = read(atBytes, Math.min(PIECE_BYTES, sizeBytes - atBytes));
    // Awaited in its turn, or not at all: once something has failed, or where there is nothing.
    piece.catch(() => {});
    return piece;
  };
  let next = readAt(0);
  for (let atBytes = 0; atBytes < sizeBytes; atBytes += PIECE_BYTES) {
    const piece = await next;
    next = readAt(Math.min(sizeBytes, atBytes + PIECE_BYTES));
    hash.update(piece);
  }
  return toBase64(hash.digest());
}
