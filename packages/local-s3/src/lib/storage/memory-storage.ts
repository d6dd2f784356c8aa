import { randomUUID } from 'node:crypto';
import { ReadableStream } from 'node:stream/web';

import type { BytesRef, ByteWriter, Storage } from './storage.ts';

/** Keeps everything in this process and forgets it at its end. */
export function createMemoryStorage(): Storage {
  const records = new Map<string, unknown>();
  const files = new Map<string, readonly Uint8Array[]>();

  const store = (chunks: readonly Uint8Array[], group = 'objects'): BytesRef => {
    const file = `${group}/${randomUUID()}`;
    files.set(file, chunks);
    return { file, offsetBytes: 0, sizeBytes: chunks.reduce((total, chunk) => total + chunk.length, 0) };
  };
  const chunksOf = (ref: BytesRef): readonly Uint8Array[] => {
    const chunks = files.get(ref.file);
    if (chunks === undefined) throw new Error(`No bytes at ${ref.file}`);
    return chunks;
  };

  return {
    loadRecords: async () => [...records].map(([name, value]) => ({ name, value })),
    writeRecord: async (name, value) => {
      records.set(name, value);
    },
    removeRecords: async (name) => {
      for (const known of records.keys()) {
        if (known === name || known.startsWith(`${name}/`)) records.delete(known);
      }
    },
    beginBytes: async (placement) => createMemoryWriter((chunks) => store(chunks, placement?.group)),
    readBytes: (ref, start, end) => ReadableStream.from(slicesOf(chunksOf(ref), start, end)),
    joinBytes: async (refs) => store(refs.flatMap(chunksOf)),
    removeBytes: async (ref) => {
      files.delete(ref.file);
    },
    removeGroup: async (group) => {
      for (const file of files.keys()) if (file.startsWith(`${group}/`)) files.delete(file);
    },
    keepOnlyBytes: async (live) => {
      const kept = new Set(live.map((ref) => ref.file));
      for (const file of files.keys()) if (!kept.has(file)) files.delete(file);
    },
    showObject: async () => {},
    hideObject: async () => {},
    objectFile: () => undefined,
  };
}

function createMemoryWriter(store: (chunks: readonly Uint8Array[]) => BytesRef): ByteWriter {
  const written: Uint8Array[] = [];
  return {
    write: async (bytes) => {
      written.push(new Uint8Array(bytes));
    },
    finish: async () => store(written),
    discard: async () => {},
  };
}

/** The stretch of the chunks between two positions, without copying. */
function* slicesOf(chunks: readonly Uint8Array[], start: number, end: number): Generator<Uint8Array> {
  let position = 0;
  for (const chunk of chunks) {
    const from = Math.max(start - position, 0);
    const to = Math.min(end - position, chunk.length);
    if (from < to) yield chunk.subarray(from, to);
    position += chunk.length;
    if (position >= end) return;
  }
}
