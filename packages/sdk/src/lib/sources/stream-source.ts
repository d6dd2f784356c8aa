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
  /** Call it when nobody needs the bytes any more. */
  close(): Promise<void>;
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
  const head = createHead(reader, hints);
  try {
    if (await head.read()) return { pieces: head.pieces, close: head.close };
    const { expectedSizeBytes = Infinity, headBytes } = hints;
    if (expectedSizeBytes <= headBytes) throw tooLong(expectedSizeBytes);
    return createStreamSource(head, hints, hold);
  } catch (error) {
    await head.close();
    throw error;
  }
}

interface Head extends ChunkReader {
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
  /** Resolves with whether the stream has ended already. */
  read(): Promise<boolean>;
  /** Forgets what is in memory, and lets the stream know that nobody reads on. */
  close(): Promise<void>;
}

/** The beginning of a stream in memory, and a reader that starts over with it. */
function createHead(reader: ChunkReader, { headBytes, budget, signal }: SourceHints): Head {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let heldBytes = 0;
  const free = (bytes: number): void => {
    budget.free(bytes);
    heldBytes -= bytes;
  };
  return {
    pieces,
    async read() {
      // Enough to tell a stream that ends right there from one that goes on.
      const wantedBytes = headBytes + 1;
      await budget.take(wantedBytes, signal);
      heldBytes = wantedBytes;
      for (let leftBytes = wantedBytes; leftBytes > 0;) {
        const bytes = await reader.next(leftBytes, signal);
        if (!bytes) {
          free(leftBytes);
          return true;
        }
        // A copy: whoever writes the stream may use its buffer again.
        pieces.push(new Uint8Array(bytes));
        leftBytes -= bytes.byteLength;
      }
      return false;
    },
    async next(maxBytes, nextSignal) {
      const [first] = pieces;
      if (!first) return await reader.next(maxBytes, nextSignal);
      const bytes = first.subarray(0, maxBytes);
      if (bytes.byteLength === first.byteLength) pieces.shift();
      else pieces[0] = first.subarray(maxBytes);
      free(bytes.byteLength);
      return bytes;
    },
    cancel: reader.cancel,
    async close() {
      free(heldBytes);
      reader.cancel();
    },
  };
}

function createStreamSource<Memory extends Held>(
  reader: Head,
  { expectedSizeBytes, budget }: SourceHints,
  hold: () => Memory,
): StreamSource<Memory> {
  // In the order in which they were read, and no more than a few.
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
      await reader.close();
      for (const { part } of inMemory.values()) release(part);
    },
  };
}

function tooLong(maxBytes: number): UploadError {
  return new UploadError('SOURCE_LONG', `The stream has more than ${maxBytes} bytes. Nothing was stored.`);
}
