import type { Checksum } from '@longhaul/protocol';
import { loaded } from '../../loaded.ts';
import type { StretchToDigest } from '../../ports/digester.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import { stretchOf } from './blob-stretch.ts';
import { digestInWorker } from './checksum-workers.ts';

export { getReady } from './checksum-workers.ts';

/** Digested where we are: in less time than it takes to ask somebody else. */
const SMALL_BYTES = 256 * 1024;

/** Digests a stretch in a worker; where that cannot be, here, in slices that leave time for whatever else the page does. */
export async function digestBlob(stretch: StretchToDigest<BlobSource>): Promise<Checksum> {
  const { algorithm, source, offsetBytes, sizeBytes, signal } = stretch;
  signal.throwIfAborted();
  const value =
    sizeBytes <= SMALL_BYTES
      ? undefined
      : await digestInWorker({ algorithm, ...stretchOf(source, offsetBytes, sizeBytes) }, signal);
  const read = async (atBytes: number, pieceBytes: number): Promise<Uint8Array> => {
    signal.throwIfAborted();
    return await source.read(offsetBytes + atBytes, pieceBytes);
  };
  if (value !== undefined) return { algorithm, value };
  const { digestPieces } = await loaded(import('../../integrity/digest-pieces.ts'));
  return { algorithm, value: await digestPieces(algorithm, sizeBytes, read) };
}
