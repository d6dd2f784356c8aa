import type { ByteSource } from '../../ports/byte-source.ts';

/** What the sender over node:http needs of a source: bytes into a buffer that it uses again. */
export interface NodeSource extends ByteSource {
  /**
   * Fills the whole buffer with the bytes from `positionBytes` on.
   *
   * @throws UploadError `FILE_CHANGED` if there are fewer, `FILE_UNREADABLE` if reading fails
   */
  readInto(buffer: Uint8Array, positionBytes: number): Promise<void>;
}

/** Gives a source that can only hand out bytes the method that the sender needs. */
export function withReadInto(source: ByteSource): NodeSource {
  return {
    ...source,
    async readInto(buffer, positionBytes) {
      buffer.set(await source.read(positionBytes, buffer.byteLength));
    },
  };
}
