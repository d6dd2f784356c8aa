import type { FileHandle } from 'node:fs/promises';

import type { BytesRef, ByteWriter } from '../storage.ts';

/** Writes to an open file from the offset of `place`; `onDiscard` clears away what was written. */
export function createFileWriter(
  file: FileHandle,
  place: Omit<BytesRef, 'sizeBytes'>,
  onDiscard: () => Promise<void>,
): ByteWriter {
  let writtenBytes = 0;
  return {
    async write(bytes) {
      await writeAll(file, bytes, place.offsetBytes + writtenBytes);
      writtenBytes += bytes.length;
    },
    async finish() {
      await file.close();
      return { file: place.file, offsetBytes: place.offsetBytes, sizeBytes: writtenBytes };
    },
    async discard() {
      await file.close();
      await onDiscard();
    },
  };
}

/** One write may take less than it was given (a full disk, a signal): repeat until all is written or it fails. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
