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
    async write(chunks) {
      writtenBytes += await writeAll(file, chunks, place.offsetBytes + writtenBytes);
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

/** writev may take less than it was given (a full disk, a signal): repeat until all is written or it fails. */
export async function writeAll(
  file: FileHandle,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<number> {
  let rest = chunks;
  let total = 0;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, position + total);
    total += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
  return total;
}

function dropBytes(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count;
  let index = 0;
  for (const chunk of chunks) {
    if (left < chunk.length) break;
    left -= chunk.length;
    index += 1;
  }
  const [first, ...others] = chunks.slice(index);
  return first === undefined ? [] : [first.subarray(left), ...others];
}
