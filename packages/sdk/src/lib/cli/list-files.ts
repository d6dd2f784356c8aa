import { stat } from 'node:fs/promises';
import { filesOfFolder } from '../../many-node.ts';
import { UploadError } from '../../node.ts';
import type { NamedInput } from '../ports/named-input.ts';

/** What was named on the command line. */
export interface NamedFiles {
  readonly files: readonly string[];
  readonly isRecursive: boolean;
  readonly followLinks: boolean;
}

/** A file of the list; under `name` it is kept. */
export type ListedFile = Omit<NamedInput<string>, 'name'> & { readonly name?: string };

/** The files themselves, and those of folders where that was asked for. */
export async function* listFiles(
  { files, isRecursive, followLinks }: NamedFiles,
  note: (line: string) => void = () => {},
): AsyncGenerator<ListedFile> {
  const onSkip = (path: string, reason: string): void => note(`${path}: left out, ${reason}`);
  for (const file of files) {
    // What is not there fails when it is opened.
    const found = await stat(file).catch(() => undefined);
    if (!found?.isDirectory()) yield { input: file, ...(found?.isFile() && { sizeBytes: found.size }) };
    else if (isRecursive) yield* filesOfFolder(file, { followLinks, onSkip });
    else yield { input: refuseFolder, name: file };
  }
}

/** Looks through the same list for how much there is. */
export async function countFiles(named: NamedFiles): Promise<{ files: number; bytes: number }> {
  const count = { files: 0, bytes: 0 };
  for await (const { sizeBytes = 0 } of listFiles(named)) {
    count.files++;
    count.bytes += sizeBytes;
  }
  return count;
}

/** How a file is called in messages: by its path. */
export function pathOf({ input, name = '' }: ListedFile): string {
  return typeof input === 'string' ? input : name;
}

function refuseFolder(): never {
  throw new UploadError('FILE_UNREADABLE', 'It is a folder. Add -r to upload the files in it.');
}
