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
  const { size: sizeBytes, type } = blob;
  const name = 'name' in blob && typeof blob.name === 'string' ? blob.name : undefined;
  const lastModified =
    'lastModified' in blob && typeof blob.lastModified === 'number' ? blob.lastModified : undefined;

  const slice = (offsetBytes: number, partSizeBytes: number): Blob => {
    const part = blob.slice(offsetBytes, offsetBytes + partSizeBytes);
    // Some browsers give a shorter slice of a file that was truncated, without any error.
    if (part.size !== partSizeBytes) throw changed(name);
    return part;
  };

  return {
    sizeBytes,
    ...(name && { name }),
    ...(type && { contentType: type }),
    ...(lastModified !== undefined && { lastModifiedEpochMs: lastModified }),
    blob: slice,
    read: async (offsetBytes, readBytes) => await readSlice(slice(offsetBytes, readBytes), name),
    async verify() {
      // The only way to ask a browser whether a file is still the one that was picked is to read some of it.
      if (sizeBytes > 0) await readSlice(slice(sizeBytes - 1, 1), name);
    },
    close: async () => {},
  };
}

async function readSlice(slice: Blob, name: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await slice.arrayBuffer());
  } catch (error) {
    throw changed(name, error);
  }
}

function changed(name: string | undefined, cause?: unknown): UploadError {
  const what = name ? `The file ${name}` : 'The source';
  return new UploadError(
    'FILE_CHANGED',
    `${what} cannot be read any more: it was changed or removed. Pick it again.`,
    {
      cause,
    },
  );
}
