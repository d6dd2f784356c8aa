import type { ByteWriter } from '../storage/storage.ts';
import { BATCH_BYTES, returnBatch, takeBatch } from './batch-memory.ts';
import type { Hasher } from './hasher.ts';

/** Where bytes go. */
export interface PumpOptions {
  readonly hasher: Hasher;
  readonly writer: ByteWriter;
  /** How many there should be. Reading stops when there are more. */
  readonly expectedBytes: number;
}

/**
 * Hashes and writes a body in batches; while one batch is worked on the next one is filled, so two of them are all
 * the memory that a body takes. Answers how many bytes came.
 */
export async function pump(
  chunks: AsyncIterable<Uint8Array>,
  { hasher, writer, expectedBytes }: PumpOptions,
): Promise<number> {
  const batches = createBatches(expectedBytes);
  let totalBytes = 0;
  let working: Promise<Outcome> = Promise.resolve(undefined);
  const handOn = async (batch: Uint8Array): Promise<void> => {
    throwIfFailed(await working);
    working = settle(Promise.all([writer.write(batch), hasher.update(batch)]));
  };
  try {
    for await (const chunk of chunks) {
      totalBytes += chunk.length;
      if (totalBytes > expectedBytes) break;
      for (const batch of batches.fill(chunk)) await handOn(batch);
    }
    if (batches.rest().length > 0) await handOn(batches.rest());
    throwIfFailed(await working);
    return totalBytes;
  } finally {
    // Neither the memory nor the file may be given up while somebody works on it.
    await working;
    batches.giveBack();
  }
}

interface Batches {
  /** Copies the chunk; yields each batch that it fills. Yielding resumes when the other batch is free again. */
  fill(chunk: Uint8Array): Generator<Uint8Array>;
  /** What has been filled in since the last full batch. */
  rest(): Uint8Array;
  giveBack(): void;
}

/** Two batches in turn; a body that fits into one gets memory of its size. */
function createBatches(expectedBytes: number): Batches {
  const isSmall = expectedBytes < BATCH_BYTES;
  const both = isSmall ? [Buffer.allocUnsafe(expectedBytes)] : [takeBatch(), takeBatch()];
  let turn = 0;
  let filledBytes = 0;
  const current = (): Uint8Array => both[turn % both.length] ?? new Uint8Array();
  return {
    *fill(chunk) {
      for (let rest = chunk; rest.length > 0;) {
        const taken = rest.subarray(0, current().length - filledBytes);
        current().set(taken, filledBytes);
        filledBytes += taken.length;
        rest = rest.subarray(taken.length);
        if (filledBytes < BATCH_BYTES) continue;
        const full = current();
        [turn, filledBytes] = [turn + 1, 0];
        yield full;
      }
    },
    rest: () => current().subarray(0, filledBytes),
    giveBack: () => {
      if (!isSmall) both.forEach(returnBatch);
    },
  };
}

type Outcome = { readonly error: unknown } | undefined;

/** A failure must wait until the next batch is full: as a rejected promise it would count as unhandled meanwhile. */
async function settle(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return { error };
  }
}

function throwIfFailed(outcome: Outcome): void {
  if (outcome !== undefined) throw outcome.error;
}
