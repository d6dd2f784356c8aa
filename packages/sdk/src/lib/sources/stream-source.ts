import { type OpenPlan, type PartPlan, type PartRange, partRange } from '@longhaul/protocol';
import type { ByteSource, ReadOnce, SourceHints } from '../ports/byte-source.ts';
import { UploadError } from '../upload-error.ts';
import type { ByteStream } from './byte-stream.ts';
import { type ChunkReader, readChunks } from './chunk-reader.ts';

/** Bytes of one part in memory, in whatever form the platform's sender takes them. */
export interface Held {
  /** Adds bytes that belong to somebody else once this returns. */
  append(bytes: Uint8Array): void;
  /** Nobody will ask for the bytes again. */
  free(): void;
}

/** A stream as a source: parts are read in order, held in memory until the store has them, and then forgotten. */
export interface StreamSource<Memory extends Held> extends Pick<
  ByteSource,
  'sizeBytes' | 'verify' | 'close'
> {
  readonly once: ReadOnce;
  /** The part in memory that holds this byte, and where in it. */
  heldAt(offsetBytes: number): { readonly held: Memory; readonly skipBytes: number };
}

/** Bytes of a stream that is over already: a source like any other. */
export interface ShortStream {
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Reads the beginning of a stream. One that ends within `hints.headBytes` is handed back as its bytes, so that it can
 * travel as a small file does; of any other a source is made.
 *
 * @param hold makes room for a part
 * @throws UploadError `SOURCE_FAILED`, `SOURCE_LONG`; TypeError if it yields anything but bytes; the signal's reason when it aborts
 */
export async function openStream<Memory extends Held>(
  stream: ByteStream,
  hints: SourceHints,
  hold: () => Memory,
): Promise<StreamSource<Memory> | ShortStream> {
  const reader = readChunks(stream);
  try {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let leftBytes = hints.headBytes + 1; leftBytes > 0;) {
      const bytes = await reader.next(leftBytes, hints.signal);
      if (!bytes) return { pieces };
      // A copy: whoever writes the stream may use its buffer again.
      pieces.push(new Uint8Array(bytes));
      leftBytes -= bytes.byteLength;
    }
    if (hints.expectedSizeBytes !== undefined && hints.expectedSizeBytes <= hints.headBytes)
      throw tooLong(hints.expectedSizeBytes);
    return createStreamSource(afterHead(pieces, reader), hints, hold);
  } catch (error) {
    reader.cancel();
    throw error;
  }
}

/** A reader that begins with bytes that were read before. */
function afterHead(head: Uint8Array[], reader: ChunkReader): ChunkReader {
  return {
    ...reader,
    async next(maxBytes, signal) {
      const [first] = head;
      if (!first) return await reader.next(maxBytes, signal);
      if (first.byteLength <= maxBytes) return head.shift();
      head[0] = first.subarray(maxBytes);
      return first.subarray(0, maxBytes);
    },
  };
}

function createStreamSource<Memory extends Held>(
  reader: ChunkReader,
  { expectedSizeBytes, budget }: SourceHints,
  hold: () => Memory,
): StreamSource<Memory> {
  const inMemory = new Map<number, { readonly part: PartRange; readonly held: Memory }>();
  let sizeBytes = expectedSizeBytes ?? Infinity;
  let endBytes = 0;

  /** Reads one part, whole or up to the end of the stream. */
  const fill = async (part: PartRange, held: Memory, signal: AbortSignal): Promise<PartRange> => {
    let filledBytes = 0;
    while (filledBytes < part.sizeBytes) {
      const bytes = await reader.next(part.sizeBytes - filledBytes, signal);
      if (!bytes) break;
      held.append(bytes);
      filledBytes += bytes.byteLength;
    }
    endBytes += filledBytes;
    return { ...part, sizeBytes: filledBytes };
  };
  const release = ({ partNumber, sizeBytes: partBytes }: PartRange): void => {
    inMemory.get(partNumber)?.held.free();
    if (inMemory.delete(partNumber)) budget.free(partBytes);
  };

  async function* parts(plan: PartPlan | OpenPlan, signal: AbortSignal): AsyncGenerator<PartRange> {
    const maxBytes = plan.sizeBytes ?? plan.maxSizeBytes;
    for (let partNumber = 1; endBytes < maxBytes; partNumber++) {
      const wanted = partRange(plan, partNumber);
      // One part of each stream needs no room: streams that feed each other would wait for each other's.
      if (inMemory.size === 0) budget.hold(wanted.sizeBytes);
      else await budget.take(wanted.sizeBytes, signal);
      const held = hold();
      const part = await fill(wanted, held, signal).catch((error: unknown) => {
        budget.free(wanted.sizeBytes);
        throw error;
      });
      budget.free(wanted.sizeBytes - part.sizeBytes);
      if (part.sizeBytes > 0) {
        inMemory.set(partNumber, { part, held });
        yield part;
      }
      if (part.sizeBytes < wanted.sizeBytes) break;
    }
    await assertEnd(maxBytes, signal);
    sizeBytes = endBytes;
  }

  /** What was expected is there, and nothing else comes. */
  const assertEnd = async (maxBytes: number, signal: AbortSignal): Promise<void> => {
    if (expectedSizeBytes !== undefined && endBytes < expectedSizeBytes) {
      const message = `The stream ended after ${endBytes} of ${expectedSizeBytes} bytes. Nothing was stored.`;
      throw new UploadError('SOURCE_SHORT', message);
    }
    if (endBytes === maxBytes && (await reader.next(1, signal))) throw tooLong(maxBytes);
  };

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    once: { parts, release },
    heldAt(offsetBytes) {
      for (const { part, held } of inMemory.values()) {
        const skipBytes = offsetBytes - part.offsetBytes;
        if (skipBytes >= 0 && skipBytes < part.sizeBytes) return { held, skipBytes };
      }
      throw new RangeError(`byte ${offsetBytes} of the stream is not in memory`);
    },
    verify: async () => {},
    async close() {
      reader.cancel();
      for (const { part } of inMemory.values()) release(part);
    },
  };
}

function tooLong(maxBytes: number): UploadError {
  return new UploadError('SOURCE_LONG', `The stream has more than ${maxBytes} bytes. Nothing was stored.`);
}
