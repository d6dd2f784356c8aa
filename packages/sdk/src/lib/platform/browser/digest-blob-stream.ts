import type { ChecksumAlgorithm } from '@longhaul/protocol';
import { toBase64 } from '../../base64.ts';
import { createHash } from '../../integrity/create-hash.ts';
import { digestPieces } from '../../integrity/digest-pieces.ts';

/** Filled again and again, it stays in the processor's cache, and is digested from there. */
const BUFFER_BYTES = 256 * 1024;

/**
 * Digests a content, base64, through one buffer: an array of its own for every piece costs as much again as reading does.
 * Calls `onBytes` whenever bytes have come. `undefined`: not as many came as there should be.
 */
export async function digestBlobStream(
  algorithm: ChecksumAlgorithm,
  blob: Blob,
  onBytes: () => void,
): Promise<string | undefined> {
  const reader = byteReaderOf(blob);
  if (!reader) return await digestPieces(algorithm, blob.size, inSlices(blob, onBytes));
  const hash = createHash(algorithm);
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  let leftBytes = blob.size;
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) break;
    onBytes();
    hash.update(value);
    leftBytes -= value.byteLength;
    ({ buffer } = value);
  }
  return leftBytes === 0 ? toBase64(hash.digest()) : undefined;
}

/** `undefined` where the streams of Blobs fill no buffers of others. */
function byteReaderOf(blob: Blob): ReadableStreamBYOBReader | undefined {
  try {
    return blob.stream().getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
}

function inSlices(
  blob: Blob,
  onBytes: () => void,
): (offsetBytes: number, sizeBytes: number) => Promise<Uint8Array> {
  return async (offsetBytes, sizeBytes) => {
    const bytes = await blob.slice(offsetBytes, offsetBytes + sizeBytes).arrayBuffer();
    onBytes();
    return new Uint8Array(bytes);
  };
}
