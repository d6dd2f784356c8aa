import type { Checksum } from '@longhaul/protocol';
import { digestPieces } from '../../integrity/digest-pieces.ts';
import type { StretchToDigest } from '../../ports/digester.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import { digestInWorker } from './checksum-workers.ts';

/** Digested where we are: in less time than it takes to ask somebody else. */
const SMALL_BYTES = 256 * 1024;

/** Digests a stretch in a worker; where that cannot be, here, in slices that leave time for whatever else the page does. */
export async function digestBlob(stretch: StretchToDigest<BlobSource>): Promise<Checksum> {
  const { algorithm, source, offsetBytes, sizeBytes, signal } = stretch;
  signal.throwIfAborted();
  const value = sizeBytes <= SMALL_BYTES ? undefined : await digestAside(stretch);
  const read = async (atBytes: number, pieceBytes: number): Promise<Uint8Array> => {
    signal.throwIfAborted();
    return await source.read(offsetBytes + atBytes, pieceBytes);
  };
  return { algorithm, value: value ?? (await digestPieces(algorithm, sizeBytes, read)) };
}

/** Each slice is a call to the browser that the page waits for. So the worker makes it, if it can. */
async function digestAside(stretch: StretchToDigest<BlobSource>): Promise<string | undefined> {
  const { algorithm, source, offsetBytes, sizeBytes, signal } = stretch;
  const where = source.whole
    ? { blob: source.whole, offsetBytes }
    : { blob: source.blob(offsetBytes, sizeBytes), offsetBytes: 0 };
  return await digestInWorker({ algorithm, ...where, sizeBytes }, signal);
}
