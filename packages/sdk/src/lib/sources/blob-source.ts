import type { ByteSource } from '../ports/byte-source.ts';
import { UploadError } from '../upload-error.ts';

/** A `Blob` or `File`, with slices that a browser can send without reading them first. */
export interface BlobSource extends ByteSource {
  /**
   * Bytes from `offsetBytes`, not read yet.
   *
   * @throws UploadError `FILE_CHANGED` if there are fewer
   */
  blob(offsetBytes: number, sizeBytes: number): Blob;
}

/** A source over a `Blob`; a `File` brings its name and the time of its last change. */
export function createBlobSource(blob: Blob): BlobSource {
  const { size: sizeBytes, type, name, lastModified }: Blob & { name?: string; lastModified?: number } = blob;
  const changed = (cause?: unknown): UploadError => {
    const message = `${name ?? 'The source'} was changed or removed. Pick it again.`;
    return new UploadError('FILE_CHANGED', message, { cause });
  };
  const slice = (offsetBytes: number, partSizeBytes: number): Blob => {
    const part = blob.slice(offsetBytes, offsetBytes + partSizeBytes);
    // Some browsers give a shorter slice of a file that was truncated, without any error.
    if (part.size !== partSizeBytes) throw changed();
    return part;
  };
  const read = async (offsetBytes: number, readBytes: number): Promise<Uint8Array<ArrayBuffer>> => {
    const part = slice(offsetBytes, readBytes);
    const bytes = await part.arrayBuffer().catch((error: unknown) => {
      throw changed(error);
    });
    return new Uint8Array(bytes);
  };
  return {
    sizeBytes,
    name,
    contentType: type || undefined,
    lastModifiedEpochMs: lastModified,
    blob: slice,
    read,
    // The only way to ask a browser whether a file is still the one that was picked is to read some of it.
    verify: async () => void (await read(Math.max(0, sizeBytes - 1), Math.min(1, sizeBytes))),
    close: async () => {},
  };
}
