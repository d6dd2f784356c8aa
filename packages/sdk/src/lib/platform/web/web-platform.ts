import type { Checksum } from '@longhaul/protocol';
import type { StretchToDigest } from '../../ports/digester.ts';
import type { Platform } from '../../ports/platform.ts';
import { createFetchPartSender } from '../../senders/fetch-part-sender.ts';
import { type BlobInput, type BlobSource, createBlobSource, toBlob } from '../../sources/blob-source.ts';
import { systemClock } from '../../system-clock.ts';

/** What can be uploaded where there is `fetch` and no more: a `Blob` or `File`, or bytes in memory. */
export type WebInput = BlobInput;

/** Workers allow so many connections that wait for their answer. */
const CONNECTIONS = 6;

async function digest(stretch: StretchToDigest<BlobSource>): Promise<Checksum> {
  const { algorithm, source, offsetBytes, sizeBytes, signal } = stretch;
  const { digestPieces } = await import('../../integrity/digest-pieces.ts');
  const value = await digestPieces(algorithm, sizeBytes, async (atBytes, pieceBytes) => {
    signal.throwIfAborted();
    return await source.read(offsetBytes + atBytes, pieceBytes);
  });
  return { algorithm, value };
}

/** Any runtime with the web's own interfaces: `fetch`, `Blob`, `crypto`, `AbortSignal`. */
export const webPlatform: Platform<WebInput, BlobSource> = {
  defaultConcurrency: CONNECTIONS,
  clock: systemClock,
  openSource: async (input) => createBlobSource(toBlob(input)),
  createSender: () => createFetchPartSender(),
  digester: { algorithms: ['CRC32', 'CRC64NVME', 'MD5'], digest },
};
