import type { UploadError } from '../upload-error.ts';
import type { ByteStream } from './byte-stream.ts';
import { orAborted } from './or-aborted.ts';

/** Takes bytes off a stream as they are wanted: what nobody asks for is not read, so the stream's writer waits. */
export interface ChunkReader {
  /**
   * The next bytes, at most so many; `undefined` at the end.
   *
   * @throws UploadError `SOURCE_FAILED`; TypeError if it yields anything but bytes; the signal's reason when it aborts
   */
  next(maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Lets the stream know that nobody will read on. Does not wait for it: it may never answer. */
  cancel(): void;
}

/** A reader over a stream that nobody else reads. */
export function readChunks(
  stream: ByteStream,
  errors: { readonly UploadError: typeof UploadError },
): ChunkReader {
  const { pull, cancel } = puller(stream);
  let rest: Uint8Array = new Uint8Array();
  return {
    async next(maxBytes, signal) {
      while (rest.byteLength === 0) {
        // Nobody would hear of what a stream says that is let go.
        signal.throwIfAborted();
        const pulled = pull().catch((cause: unknown) => {
          throw new errors.UploadError('SOURCE_FAILED', `The stream failed: ${reasonOf(cause)}`, { cause });
        });
        const { done, value } = await orAborted(pulled, signal);
        if (done) return undefined;
        rest = bytesOf(value);
      }
      const bytes = rest.subarray(0, maxBytes);
      rest = rest.subarray(bytes.byteLength);
      return bytes;
    },
    cancel,
  };
}

interface Puller {
  readonly pull: () => Promise<{ readonly done?: boolean; readonly value?: unknown }>;
  readonly cancel: () => void;
}

function puller(stream: ByteStream): Puller {
  if ('getReader' in stream) {
    const reader = stream.getReader();
    return { pull: () => reader.read(), cancel: () => ignore(reader.cancel()) };
  }
  const iterator = stream[Symbol.asyncIterator]();
  const destroyable = stream as { destroy?: () => unknown };
  return {
    pull: () => iterator.next(),
    // The iterator of a Node stream waits for the next bytes before it lets go; the stream itself does not.
    cancel: () => (destroyable.destroy ? void destroyable.destroy() : ignore(iterator.return?.())),
  };
}

function ignore(promise: Promise<unknown> | undefined): void {
  promise?.catch(() => {});
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new TypeError(
    `a stream to upload must yield Uint8Arrays, got ${Object.prototype.toString.call(value)}`,
  );
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
