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
  /** All of it, where it is one. */
  readonly whole?: Blob | undefined;
}

/** What can be made a `Blob` without reading it. */
export type BlobInput = Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;

/**
 * The input as a `Blob`. Bytes become one once: handed over as they are, each part would be copied when it is sent.
 *
 * @throws TypeError if it is neither a `Blob` nor bytes
 */
export function toBlob(input: BlobInput): Blob {
  if (input instanceof Blob) return input;
  if (input instanceof ArrayBuffer || ArrayBuffer.isView(input)) return new Blob([input]);
  throw new TypeError(`upload() takes a Blob or bytes, got ${String(input)}`);
}

/** A source over a `Blob`; a `File` brings its name and the time of its last change. */
export function createBlobSource(blob: Blob): BlobSource {
  const { size: sizeBytes, type, name, lastModified }: Blob & { name?: string; lastModified?: number } = blob;
  const changed = (cause?: unknown): never => {
    throw new UploadError('FILE_CHANGED', `${name ?? 'The file'} was changed or removed. Pick it again.`, {
      cause,
    });
  };
  const slice = (offsetBytes: number, partSizeBytes: number): Blob => {
    const part = blob.slice(offsetBytes, offsetBytes + partSizeBytes);
    // Some browsers give a shorter slice of a file that was truncated, without any error.
    return part.size === partSizeBytes ? part : changed();
  };
  const read = async (offsetBytes: number, readBytes: number): Promise<Uint8Array<ArrayBuffer>> =>
    new Uint8Array(await slice(offsetBytes, readBytes).arrayBuffer().catch(changed));
  let lastByte: Blob | undefined;
  return {
    sizeBytes,
    name,
    contentType: type || undefined,
    lastModifiedEpochMs: lastModified,
    whole: blob,
    blob: slice,
    read,
    // The only way to ask a browser whether a file is still the one that was picked is to read some of it.
    async verify() {
      if (!sizeBytes) return;
      // Kept: to make a slice costs more than to read it.
      lastByte ??= slice(sizeBytes - 1, 1);
      if ((await lastByte.arrayBuffer().catch(changed)).byteLength !== 1) changed();
    },
    close: async () => {},
  };
}
