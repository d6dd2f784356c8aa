import type { ByteSource } from '../../ports/byte-source.ts';
import { isUploadError, UploadError } from '../../upload-error.ts';

/** What the sender over node:http needs of a source: bytes into a buffer that it uses again. */
export interface NodeSource extends ByteSource {
  /**
   * Fills the whole buffer with the bytes from `positionBytes` on.
   *
   * @throws UploadError `FILE_CHANGED` if there are fewer, `FILE_UNREADABLE` if reading fails
   */
  readInto(buffer: Uint8Array, positionBytes: number): Promise<void>;

  /** Of a source in memory: the bytes from there on, at most so many and at least one. They stay until they are sent. */
  view?(positionBytes: number, maxBytes: number): Uint8Array;

  /** Of a regular file with a path: where another thread finds it, and what it knows it by. */
  readonly file?: FileIdentity | undefined;
}

/** A file, and what tells it from another one that has taken its place. */
export interface FileIdentity {
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Gives a source that can only hand out bytes the method that the sender needs. */
export function withReadInto(source: ByteSource): NodeSource {
  return {
    ...source,
    async readInto(buffer, positionBytes) {
      const bytes = await source.read(positionBytes, buffer.byteLength).catch(changed);
      // The rest of the buffer still holds an earlier piece.
      if (bytes.byteLength < buffer.byteLength) changed();
      buffer.set(bytes);
    },
  };
}

/** The bytes themselves, of a source that holds them. */
export function viewOf({ view }: NodeSource, positionBytes: number, maxBytes: number): Uint8Array {
  if (!view) throw new TypeError('a source that is not in memory is read into buffers');
  return view(positionBytes, maxBytes);
}

/** Bytes in memory are gone once their buffer was transferred to a worker, and fewer once it was made smaller. */
function changed(cause?: unknown): never {
  if (isUploadError(cause)) throw cause;
  throw new UploadError('FILE_CHANGED', 'The bytes were taken away while they were being uploaded.', {
    cause,
  });
}
