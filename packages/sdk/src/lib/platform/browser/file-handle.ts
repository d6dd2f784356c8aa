import { UploadError } from '../../upload-error.ts';

/** What a file handle has in browsers that ask the user before a page may read a file again. */
interface AskingHandle extends FileSystemFileHandle {
  queryPermission?(wish: { readonly mode: 'read' }): Promise<PermissionState>;
  requestPermission?(wish: { readonly mode: 'read' }): Promise<PermissionState>;
}

/** Whether it is the way to a file, from `showOpenFilePicker` or a drop, and not the file itself. */
export function isFileHandle(input: unknown): input is FileSystemFileHandle {
  return typeof input === 'object' && input !== null && 'getFile' in input;
}

/**
 * The file as it is now.
 *
 * @throws UploadError `FILE_UNREADABLE` if it is gone, or the page may not read it (any more)
 */
export async function openHandle(handle: FileSystemFileHandle): Promise<File> {
  try {
    return await handle.getFile();
  } catch (cause) {
    const message = `${handle.name} is gone, or this page may not read it any more. Pick it again.`;
    throw new UploadError('FILE_UNREADABLE', message, { cause });
  }
}

/** Asks the user, where the browser wants that, to let the page read the file again. Call it from a click. */
export async function askToRead(handle: AskingHandle): Promise<void> {
  const wish = { mode: 'read' } as const;
  if ((await handle.queryPermission?.(wish)) === 'prompt') await handle.requestPermission?.(wish);
}
