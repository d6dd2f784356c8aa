import type { FileHandle } from 'node:fs/promises';
import { link, open } from 'node:fs/promises';

import type { BytesRef } from '../storage.ts';
import { isFileError } from './file-errors.ts';
import { writeAll } from './file-writer.ts';
import type { Slots } from './slots.ts';
import { isSlotFile } from './slots.ts';

const COPY_BUFFER_BYTES = 4 * 1024 ** 2;

/** Errors of a file system that has no hard links, or no room for one more. */
const NO_HARD_LINK: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK'];

interface JoinContext {
  readonly pathOf: (file: string) => string;
  readonly slots: Slots;
}

/** Writes the bytes end to end to a new file at `target`. */
export async function concatenate(
  refs: readonly BytesRef[],
  target: string,
  context: JoinContext,
): Promise<void> {
  const output = await open(target, 'wx');
  try {
    let position = 0;
    for (const ref of refs) {
      await copyInto(ref, output, { position, context });
      position += ref.sizeBytes;
    }
  } finally {
    await output.close();
  }
}

/**
 * Gives the slot file of the first part a second name, `target`, after putting into place what lies elsewhere (a part
 * sent twice, a shorter last part). Answers false, with nothing lost, where that cannot be done.
 */
export async function joinInPlace(
  refs: readonly BytesRef[],
  target: string,
  context: JoinContext,
): Promise<boolean> {
  const base = refs[0];
  if (base === undefined || !fillsSlots(refs, base)) return false;
  const claimed = context.slots.seal(base.file);
  const inPlace = new Set(refs.filter((ref) => ref.file === base.file).map((ref) => ref.offsetBytes));
  // Somebody is still writing to the file, or holds bytes that the list leaves out.
  if ([...claimed].some((offsetBytes) => !inPlace.has(offsetBytes))) return false;
  await moveIntoSlots(refs, base, context);
  return await tryLink(context.pathOf(base.file), target);
}

/** All parts of one size but the last, and those in the file of the first at the offset where they belong. */
function fillsSlots(refs: readonly BytesRef[], base: BytesRef): boolean {
  if (!isSlotFile(base.file) || base.offsetBytes !== 0) return false;
  return refs.every((ref, index) => {
    const sizeFits =
      ref.sizeBytes === base.sizeBytes || (index === refs.length - 1 && ref.sizeBytes < base.sizeBytes);
    return sizeFits && (ref.file !== base.file || ref.offsetBytes === index * base.sizeBytes);
  });
}

async function moveIntoSlots(refs: readonly BytesRef[], base: BytesRef, context: JoinContext): Promise<void> {
  const output = await open(context.pathOf(base.file), 'r+');
  try {
    for (const [index, ref] of refs.entries()) {
      if (ref.file !== base.file) await copyInto(ref, output, { position: index * base.sizeBytes, context });
    }
    // Cuts what a broken transfer may have left behind the last part.
    await output.truncate(refs.reduce((total, ref) => total + ref.sizeBytes, 0));
  } finally {
    await output.close();
  }
}

async function copyInto(
  ref: BytesRef,
  output: FileHandle,
  { position, context }: { position: number; context: JoinContext },
): Promise<void> {
  if (ref.sizeBytes === 0) return;
  const input = await open(context.pathOf(ref.file), 'r');
  try {
    const buffer = Buffer.allocUnsafe(Math.min(COPY_BUFFER_BYTES, ref.sizeBytes));
    for (let done = 0; done < ref.sizeBytes;) {
      const wanted = Math.min(buffer.length, ref.sizeBytes - done);
      const { bytesRead } = await input.read(buffer, 0, wanted, ref.offsetBytes + done);
      if (bytesRead === 0) throw new Error(`${ref.file} is shorter than its record says`);
      await writeAll(output, buffer.subarray(0, bytesRead), position + done);
      done += bytesRead;
    }
  } finally {
    await input.close();
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isFileError(error, ...NO_HARD_LINK)) return false;
    throw error;
  }
}
