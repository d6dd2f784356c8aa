import { UploadError } from '../../upload-error.ts';

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
