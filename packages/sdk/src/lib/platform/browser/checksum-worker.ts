// Reads and digests what the page asks for, away from the thread that the page draws with. Only digests go back.
import { digestPieces } from '../../integrity/digest-pieces.ts';
import type { BlobToDigest } from './blob-digester.ts';

addEventListener('message', ({ data: { algorithm, blob } }: MessageEvent<BlobToDigest>) => {
  const read = async (offsetBytes: number, sizeBytes: number): Promise<Uint8Array> =>
    new Uint8Array(await blob.slice(offsetBytes, offsetBytes + sizeBytes).arrayBuffer());
  // What cannot be read is read once more by the page, which knows how to tell.
  digestPieces(algorithm, blob.size, read).then(postMessage, () => postMessage(undefined));
});
