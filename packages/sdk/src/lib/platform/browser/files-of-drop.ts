import type { NamedInput } from '../../ports/named-input.ts';
import { UploadError } from '../../upload-error.ts';

/**
 * What was dropped on a page, the content of folders included, each file under its path: `photos/2024/cat.jpg`. Hidden
 * files are in there, empty folders are not. Within a folder by name.
 *
 * Call it in the event's handler, before anything is awaited: after that a drop is empty. The files are looked for as the
 * list is walked through, so their total is not known before; `await Array.fromAsync(filesOfDrop(…))` looks for all of them
 * first. What cannot be read is in the list too, and fails with `FILE_UNREADABLE` when its turn has come.
 *
 * @example
 * zone.ondrop = (event) => {
 *   event.preventDefault();
 *   uploadAll(uploader, filesOfDrop(event.dataTransfer));
 * };
 */
export function filesOfDrop(transfer: DataTransfer | null): AsyncIterable<NamedInput<File>> {
  // Text that is dragged along has neither.
  const dropped = Array.from(transfer?.items ?? [], (item) => item.webkitGetAsEntry() ?? item.getAsFile());
  return walk(dropped.filter((entry) => entry !== null));
}

async function* walk(entries: readonly (FileSystemEntry | File)[]): AsyncGenerator<NamedInput<File>> {
  for (const entry of entries) {
    if (entry instanceof File) yield { input: entry, name: entry.name, sizeBytes: entry.size };
    else if (isFile(entry)) yield { input: async () => await fileOf(entry), name: nameOf(entry) };
    else if (isDirectory(entry)) yield* walkDirectory(entry);
  }
}

async function* walkDirectory(directory: FileSystemDirectoryEntry): AsyncGenerator<NamedInput<File>> {
  let entries: readonly FileSystemEntry[];
  try {
    entries = await entriesOf(directory);
  } catch (cause) {
    const name = nameOf(directory);
    const fail = (): never => {
      throw unreadable(name, cause);
    };
    yield { input: fail, name };
    return;
  }
  yield* walk(entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
}

/** A reader hands out the next few (Chromium: a hundred) each time that it is asked, and none when it has no more. */
async function entriesOf(directory: FileSystemDirectoryEntry): Promise<readonly FileSystemEntry[]> {
  const reader = directory.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return await new Promise<File>((resolve, reject) => {
    entry.file(resolve, (cause: unknown) => reject(unreadable(nameOf(entry), cause)));
  });
}

function nameOf({ fullPath }: FileSystemEntry): string {
  return fullPath.replace(/^\//, '');
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function unreadable(name: string, cause: unknown): UploadError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UploadError('FILE_UNREADABLE', `Cannot read ${name}: ${reason}`, { cause });
}
