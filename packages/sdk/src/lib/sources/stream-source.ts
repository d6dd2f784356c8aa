import type { fullPartSizeOf, OpenPlan, PartPlan, PartRange } from '@longhaul/protocol';
import type { ByteSource, ReadOnce, SourceHints } from '../ports/byte-source.ts';
import type { UploadError } from '../upload-error.ts';
import { type ByteBudget, budgetOf, createShare } from './byte-budget.ts';
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

/**
 * What this shares with the rest of the engine. It is handed over: in a browser this is loaded on demand, and an import
 * would cut what a page loads at once in two.
 */
export interface StreamKit<Memory extends Held> {
  readonly UploadError: typeof UploadError;
  readonly fullPartSizeOf: typeof fullPartSizeOf;
  /** Makes room for a part. */
  readonly hold: () => Memory;
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
 * @throws UploadError `SOURCE_FAILED` or `SIZE_MISMATCH`; TypeError if it yields anything but bytes; the signal's reason when it aborts
 */
export async function openStream<Memory extends Held>(
  stream: ByteStream,
  hints: SourceHints,
  kit: StreamKit<Memory>,
): Promise<StreamSource<Memory> | ShortStream> {
  const share = createShare(budgetOf(hints));
  hints.onPause(share.rest);
  const head = createHead(readChunks(stream, kit), share, hints);
  try {
    if (await head.read()) return { pieces: head.pieces, close: head.close };
    const { expectedSizeBytes = Infinity, headBytes } = hints;
    if (expectedSizeBytes <= headBytes) throw mismatch(kit, `more than ${expectedSizeBytes}`);
    return createStreamSource({ ...head, share }, hints, kit);
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
function createHead(reader: ChunkReader, budget: ByteBudget, { headBytes, signal }: SourceHints): Head {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let heldBytes = 0;
  const free = (bytes: number): void => {
    const freed = Math.min(bytes, heldBytes);
    budget.free(freed);
    heldBytes -= freed;
  };
  return {
    pieces,
    async read() {
      await budget.take(headBytes, signal);
      heldBytes = headBytes;
      // A byte more tells a stream that ends right there from one that goes on.
      for (let leftBytes = headBytes + 1; leftBytes > 0;) {
        const bytes = await reader.next(leftBytes, signal);
        if (!bytes) {
          free(leftBytes - 1);
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
  { share, ...head }: Head & { readonly share: ByteBudget },
  { expectedSizeBytes }: SourceHints,
  kit: StreamKit<Memory>,
): StreamSource<Memory> {
  const shelf = createShelf<Memory>(share);
  let sizeBytes = expectedSizeBytes ?? Infinity;
  let endBytes = 0;

  async function* parts(plan: PartPlan | OpenPlan, signal: AbortSignal): AsyncGenerator<PartRange> {
    const maxBytes = plan.sizeBytes ?? plan.maxSizeBytes;
    for (let partNumber = 1; endBytes < maxBytes; partNumber++) {
      const wantedBytes = Math.min(kit.fullPartSizeOf(plan, partNumber), maxBytes - endBytes);
      const wanted = { partNumber, offsetBytes: endBytes, sizeBytes: wantedBytes };
      const part = await shelf.fill(wanted, kit.hold(), head, signal);
      endBytes += part.sizeBytes;
      if (part.sizeBytes > 0) yield part;
      if (part.sizeBytes < wantedBytes) break;
    }
    if (expectedSizeBytes !== undefined && endBytes < expectedSizeBytes)
      throw mismatch(kit, `${endBytes}, not ${expectedSizeBytes}`);
    if (endBytes === maxBytes && (await head.next(1, signal))) throw mismatch(kit, `more than ${maxBytes}`);
    sizeBytes = endBytes;
  }

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    once: { parts, release: shelf.release },
    heldAt: shelf.heldAt,
    verify: async () => {},
    async close() {
      await head.close();
      shelf.clear();
    },
  };
}

/** Parts in memory. */
interface Shelf<Memory extends Held> extends Pick<StreamSource<Memory>, 'heldAt'> {
  /** Reads one part when there is room for it: whole, or what is left up to the end of the stream. */
  fill(wanted: PartRange, held: Memory, reader: ChunkReader, signal: AbortSignal): Promise<PartRange>;
  release(part: PartRange): void;
  clear(): void;
}

function createShelf<Memory extends Held>(budget: ByteBudget): Shelf<Memory> {
  const stored = new Map<number, { readonly part: PartRange; readonly held: Memory }>();
  const release = ({ partNumber }: PartRange): void => {
    const { part, held } = stored.get(partNumber) ?? {};
    if (!part) return;
    held?.free();
    stored.delete(partNumber);
    budget.free(part.sizeBytes);
  };
  return {
    async fill(wanted, held, reader, signal) {
      // One part of each stream needs no room: streams that feed each other would wait for each other's.
      if (stored.size === 0) budget.hold(wanted.sizeBytes);
      else await budget.take(wanted.sizeBytes, signal);
      let leftBytes = wanted.sizeBytes;
      try {
        while (leftBytes > 0) {
          const bytes = await reader.next(leftBytes, signal);
          if (!bytes) break;
          held.append(bytes);
          leftBytes -= bytes.byteLength;
        }
      } catch (error) {
        held.free();
        budget.free(wanted.sizeBytes);
        throw error;
      }
      budget.free(leftBytes);
      const part = { ...wanted, sizeBytes: wanted.sizeBytes - leftBytes };
      stored.set(part.partNumber, { part, held });
      return part;
    },
    release,
    clear() {
      for (const { part } of stored.values()) release(part);
    },
    heldAt(offsetBytes) {
      for (const { part, held } of stored.values()) {
        const skipBytes = offsetBytes - part.offsetBytes;
        if (skipBytes >= 0 && skipBytes < part.sizeBytes) return { held, skipBytes };
      }
      throw new RangeError(`byte ${offsetBytes} of the stream is not in memory`);
    },
  };
}

function mismatch(
  { UploadError: Mismatch }: Pick<StreamKit<Held>, 'UploadError'>,
  what: string,
): UploadError {
  return new Mismatch('SIZE_MISMATCH', `The stream has another size, in bytes: ${what}. Nothing was stored.`);
}
