import pLimit from 'p-limit';
import { toBase64 } from '../../base64.ts';
import type { Digester, StretchToDigest } from '../../ports/digester.ts';
import { digestInThread } from './digest-thread.ts';
import { createNodeHash } from './node-hash.ts';
import { type NodeSource, viewOf } from './node-source.ts';

const BUFFER_BYTES = 1024 ** 2;

/** Here one is read while the other is counted; in the thread one waits, so that there is always something to do. */
const AT_ONCE = 2;

/** A smaller file is digested here in less time than it takes to start a thread. */
const LARGE_BYTES = 64 * 1024 ** 2;

/** Digests large files in a thread of their own, and everything else in this one. */
export function createNodeDigester(): Digester<NodeSource> {
  const lane = pLimit(AT_ONCE);
  const spareBuffers: Uint8Array[] = [];

  const digestHere = async (stretch: StretchToDigest<NodeSource>): Promise<string> => {
    // What is in memory is counted where it lies.
    if (stretch.source.view) return await digestBy(stretch, viewOf);
    const buffer = spareBuffers.pop() ?? new Uint8Array(BUFFER_BYTES);
    const value = await digestBy(stretch, async (source, positionBytes, maxBytes) => {
      const piece = buffer.subarray(0, maxBytes);
      await source.readInto(piece, positionBytes);
      return piece;
    });
    spareBuffers.push(buffer);
    return value;
  };

  return {
    algorithms: ['CRC32', 'CRC64NVME', 'MD5'],
    digest: (stretch) =>
      lane(async () => {
        const { algorithm, source, offsetBytes, sizeBytes, signal } = stretch;
        const { file } = source;
        const task = file && source.sizeBytes >= LARGE_BYTES && { file, algorithm, offsetBytes, sizeBytes };
        const value = task ? await digestInThread(task, signal) : undefined;
        return { algorithm, value: value ?? (await digestHere(stretch)) };
      }),
  };
}

type ReadPiece = (
  source: NodeSource,
  positionBytes: number,
  maxBytes: number,
) => Uint8Array | Promise<Uint8Array>;

async function digestBy(
  { algorithm, source, offsetBytes, sizeBytes, signal }: StretchToDigest<NodeSource>,
  readPiece: ReadPiece,
): Promise<string> {
  const hash = createNodeHash(algorithm);
  for (let doneBytes = 0; doneBytes < sizeBytes;) {
    signal.throwIfAborted();
    const maxBytes = Math.min(BUFFER_BYTES, sizeBytes - doneBytes);
    const piece = await readPiece(source, offsetBytes + doneBytes, maxBytes);
    hash.update(piece);
    doneBytes += piece.byteLength;
  }
  return toBase64(hash.digest());
}
