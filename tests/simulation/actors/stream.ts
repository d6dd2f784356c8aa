import { fullPartSizeOf } from '@longhaul/protocol';
import { type SourceHints, UploadError } from '@longhaul/sdk/core';
import type { Scheduler } from '../engine/scheduler.ts';
import { openStream } from './loaded-on-demand.ts';
import { openFile, type SimulatedFile, type SimulatedSource } from './source.ts';

/** How the content of a file comes to a client that can read it only once. */
export interface StreamPlan {
  /** Whether the client says beforehand how much will come. */
  readonly knowsSize: boolean;
  /** What passes before each chunk. */
  readonly chunkMs: number;
  /** Where it breaks off in the client's first run: by a failure, or looking as if it were over. */
  readonly breaks?: { readonly atBytes: number; readonly how: 'fails' | 'ends' } | undefined;
}

/** What reading a stream takes. */
interface StreamInput {
  readonly scheduler: Scheduler;
  readonly hints: SourceHints;
  readonly stream: StreamPlan;
  readonly onBreak: () => void;
}

/** Zeros: what counts is how many there are. */
const CHUNK = new Uint8Array(1024 ** 2);

/** Opens a file as a stream, by the engine's own reader. What was let go of cannot be sent any more. */
export async function openAsStream(
  file: SimulatedFile,
  { scheduler, hints, stream, onBreak }: StreamInput,
): Promise<SimulatedSource> {
  const { name, sizeBytes } = file;
  const { atBytes, how } = stream.breaks ?? { atBytes: sizeBytes, how: 'ends' };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let leftBytes = Math.min(atBytes, sizeBytes); leftBytes > 0; leftBytes -= CHUNK.byteLength) {
      await scheduler.sleep(stream.chunkMs);
      yield CHUNK.subarray(0, leftBytes);
    }
    if (stream.breaks) onBreak();
    if (how === 'fails') throw new Error('EPIPE');
  }
  // Nobody edits what has been read.
  const read = { ...file };
  const held = { append: () => undefined, free: () => undefined };
  const opened = await openStream(chunks(), hints, { UploadError, fullPartSizeOf, hold: () => held });
  if ('pieces' in opened) {
    await opened.close();
    return openFile({ ...read, sizeBytes: Math.min(atBytes, sizeBytes) });
  }
  const { content, read: sample } = openFile(read);
  return Object.assign(opened, {
    name,
    read: sample,
    content(offsetBytes: number, partBytes: number) {
      opened.heldAt(offsetBytes);
      return content(offsetBytes, partBytes);
    },
  });
}
