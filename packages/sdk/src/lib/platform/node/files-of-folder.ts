import { type Dirent, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { NamedInput } from '../../ports/named-input.ts';

/** Options of {@link filesOfFolder}. */
export interface FolderOptions {
  /** Whether symbolic links are followed, to files and folders. Default `false`: they are left out. */
  readonly followLinks?: boolean;
  /** Told of what is left out, and why: links, sockets, pipes, devices. */
  readonly onSkip?: (path: string, reason: string) => void;
}

/**
 * The files below a folder, each under its path from the folder's own name on: `photos/2024/cat.jpg`. Hidden files are in
 * there, empty folders are not. Sorted by name, folder by folder; read as the list is walked through.
 *
 * What cannot be read is in the list too, and fails with `FILE_UNREADABLE` when its turn has come.
 *
 * @example
 * const all = uploadAll(uploader, filesOfFolder('/srv/photos'), { connectorId: 'photos' });
 * for (const { item, error } of await all.result) if (error) console.error(item.name, error);
 */
export function filesOfFolder(
  folder: string,
  options: FolderOptions = {},
): AsyncIterable<NamedInput<string>> {
  return walk({ path: folder, name: basename(resolve(folder)) || 'root' }, new Set(), options);
}

interface Place {
  readonly path: string;
  readonly name: string;
}

/** @param above folders on the way here, to see a link that leads back to one of them */
async function* walk(
  folder: Place,
  above: ReadonlySet<string>,
  options: FolderOptions,
): AsyncGenerator<NamedInput<string>> {
  let within: ReadonlySet<string>;
  let entries: readonly Dirent[];
  try {
    const { dev, ino } = await stat(folder.path);
    const own = `${dev}:${ino}`;
    if (above.has(own)) {
      options.onSkip?.(folder.path, 'a link back to a folder above it');
      return;
    }
    within = new Set([...above, own]);
    entries = await readdir(folder.path, { withFileTypes: true });
  } catch {
    // Opening it will fail in the same way, and say why.
    yield inputAt(folder);
    return;
  }
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const place = { path: join(folder.path, entry.name), name: `${folder.name}/${entry.name}` };
    const found = await look(place, entry, options).catch(() => inputAt(place));
    if (found === 'folder') yield* walk(place, within, options);
    else if (found) yield found;
  }
}

async function look(
  place: Place,
  entry: Dirent,
  { followLinks = false, onSkip }: FolderOptions,
): Promise<NamedInput<string> | 'folder' | undefined> {
  if (entry.isDirectory()) return 'folder';
  if (entry.isSymbolicLink() && !followLinks) {
    onSkip?.(place.path, 'a symbolic link');
    return undefined;
  }
  const stats: Stats = await stat(place.path);
  if (stats.isDirectory()) return 'folder';
  if (stats.isFile()) return { ...inputAt(place), sizeBytes: stats.size };
  onSkip?.(place.path, 'not a regular file');
  return undefined;
}

function inputAt({ path, name }: Place): NamedInput<string> {
  return { input: path, name };
}
