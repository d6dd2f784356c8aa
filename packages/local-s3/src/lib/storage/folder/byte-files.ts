import { randomUUID } from 'node:crypto';
import { constants, createReadStream, openSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

import type { BytesPlacement, BytesRef, ByteWriter, Storage } from '../storage.ts';
import { isFileError } from './file-errors.ts';
import { createFileWriter } from './file-writer.ts';
import { concatenate, joinInPlace } from './join-files.ts';
import type { Slots } from './slots.ts';
import { createSlots, isSlotFile } from './slots.ts';

const READ_CHUNK_BYTES = 256 * 1024;
const { O_CREAT, O_RDWR } = constants;

/** Bytes as files: one per object, and for the parts of an upload one per part size (see {@link Slots}). */
export function createByteFiles(
  folder: string,
): Pick<
  Storage,
  'beginBytes' | 'readBytes' | 'joinBytes' | 'removeBytes' | 'removeGroup' | 'keepOnlyBytes'
> & { pathOf(ref: BytesRef): string } {
  const slots = createSlots();
  const pathOf = (file: string): string => join(folder, file);

  return {
    pathOf: (ref) => pathOf(ref.file),
    beginBytes: (placement) => beginBytes(placement, { slots, pathOf }),
    readBytes: (ref, start, end) =>
      readBytes(pathOf(ref.file), ref.offsetBytes + start, ref.offsetBytes + end),
    async joinBytes(refs, { mayReuse }) {
      const file = `objects/${randomUUID()}`;
      const context = { slots, pathOf };
      const joined = mayReuse && (await joinInPlace(refs, pathOf(file), context));
      if (!joined) await concatenate(refs, pathOf(file), context);
      return { file, offsetBytes: 0, sizeBytes: refs.reduce((total, ref) => total + ref.sizeBytes, 0) };
    },
    async removeBytes(ref) {
      if (isSlotFile(ref.file)) slots.release(ref);
      else await rm(pathOf(ref.file), { force: true });
    },
    async removeGroup(group) {
      slots.forget(group);
      await rm(pathOf(group), { recursive: true, force: true });
    },
    async keepOnlyBytes(live) {
      for (const ref of live) slots.restore(ref);
      const kept = new Set(live.map((ref) => ref.file));
      for (const file of await filesBelow(folder)) if (!kept.has(file)) await rm(pathOf(file));
    },
  };
}

interface Places {
  readonly slots: Slots;
  readonly pathOf: (file: string) => string;
}

async function beginBytes(
  placement: BytesPlacement | undefined,
  { slots, pathOf }: Places,
): Promise<ByteWriter> {
  const slot = placement === undefined ? undefined : slots.claim(placement);
  const file = slot?.file ?? `${placement?.group ?? 'objects'}/${randomUUID()}`;
  const discard = async (): Promise<void> => {
    if (slot === undefined) await rm(pathOf(file), { force: true });
    else slots.release(slot);
  };
  try {
    // Not truncated: other parts lie in the same file.
    const handle = await openInFolder(pathOf(file), O_RDWR | O_CREAT);
    return createFileWriter(handle, { file, offsetBytes: slot?.offsetBytes ?? 0 }, discard);
  } catch (error) {
    await discard();
    throw error;
  }
}

async function openInFolder(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) throw error;
    await mkdir(dirname(path), { recursive: true });
    return await open(path, flags);
  }
}

function readBytes(path: string, start: number, end: number): ReadableStream<Uint8Array> {
  if (end <= start) return Readable.toWeb(Readable.from([]));
  // Opened at once: between the caller's look at its records and a later open the file could be gone.
  const fd = openSync(path, 'r');
  return Readable.toWeb(createReadStream(path, { fd, start, end: end - 1, highWaterMark: READ_CHUNK_BYTES }));
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}
