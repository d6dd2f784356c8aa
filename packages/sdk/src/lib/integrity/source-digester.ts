import type { ByteSource } from '../ports/byte-source.ts';
import type { Digester } from '../ports/digester.ts';
import { digestPieces } from './digest-pieces.ts';

/**
 * Digests by reading the source, in the thread that it is used in: for a platform that has nothing faster. Each part is read
 * twice then, once to digest it and once to send it.
 *
 * @example
 * const platform = { ...others, digester: sourceDigester };
 */
export const sourceDigester: Digester<ByteSource> = {
  algorithms: ['CRC32', 'CRC64NVME', 'MD5'],
  async digest({ algorithm, source, offsetBytes, sizeBytes, signal }) {
    const read = async (atBytes: number, pieceBytes: number): Promise<Uint8Array> => {
      signal.throwIfAborted();
      return await source.read(offsetBytes + atBytes, pieceBytes);
    };
    return { algorithm, value: await digestPieces(algorithm, sizeBytes, read) };
  },
};
