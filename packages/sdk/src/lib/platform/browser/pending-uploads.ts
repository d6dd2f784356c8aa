import { fingerprintOf } from '../../fingerprint.ts';
import { createBlobSource } from '../../sources/blob-source.ts';
import { UploadError } from '../../upload-error.ts';
import { askToRead, isFileHandle, openHandle } from './file-handle.ts';
import { createIndexedDbResumeStore, type RememberedUpload } from './indexed-db-resume-store.ts';

/** An upload that an earlier page has left open, or another tab that is gone. */
export interface PendingUpload<Handle> {
  /** Name of the file, as the object has it. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly startedAtEpochMs: number;
  /**
   * Whether the browser keeps a way back to the file, so that `resume()` needs none: the upload was begun with a
   * `FileSystemFileHandle`.
   */
  readonly hasFile: boolean;
  /**
   * Goes on with the upload, with the same options.
   *
   * Without a file the browser's own way back to it is used. The browser may ask the user first, and does so only in a
   * click or another gesture: call it from there.
   *
   * @param file the file, picked again; needed if `hasFile` is `false`
   * @throws UploadError `FILE_UNREADABLE` if the page cannot read the file: let the user pick it again; `FILE_MISMATCH`
   * if `file` is another one, whatever its name; `FILE_CHANGED` if it was written to since the upload began
   */
  resume(file?: Blob | FileSystemFileHandle): Promise<Handle>;
  /**
   * Takes it off the list. The coordinator ends the upload by itself once nobody has gone on with it for long enough (72
   * hours, if it does not say otherwise); to end it at once, resume and cancel it.
   */
  forget(): Promise<void>;
}

/** Starts an upload. */
export type StartUpload<Handle> = (input: Blob | FileSystemFileHandle, options: object) => Handle;

/**
 * What was left open at this coordinator, oldest first, without what is under way in this tab or another.
 *
 * @param address of the coordinator; `undefined`: of any
 */
export async function pendingUploads<Handle>(
  upload: StartUpload<Handle>,
  address: string | undefined,
): Promise<readonly PendingUpload<Handle>[]> {
  const store = createIndexedDbResumeStore();
  const running = await runningUploads();
  const left = (await store.list()).filter(
    (record) =>
      (!address || record.address === address) && !running.some((name) => name.includes(record.key)),
  );
  return left
    .toSorted((one, other) => one.hint.savedAtEpochMs - other.hint.savedAtEpochMs)
    .map((record) => ({
      name: record.name ?? 'unnamed',
      sizeBytes: record.sizeBytes,
      startedAtEpochMs: record.hint.savedAtEpochMs,
      hasFile: isFileHandle(record.handle),
      resume: async (file) => upload(await findFile(record, file), record.options),
      forget: async () => await store.forget(record.key),
    }));
}

/** Names of the locks that uploads hold while they run. */
async function runningUploads(): Promise<readonly string[]> {
  const locks = navigator.locks as LockManager | undefined;
  return ((await locks?.query())?.held ?? []).map(({ name = '' }) => name);
}

/** The same file as when the upload began, from `input` or from where it came from then. */
async function findFile(
  { name = 'The file', hint, sizeBytes, fingerprint, handle }: RememberedUpload,
  input: Blob | FileSystemFileHandle | undefined,
): Promise<Blob | FileSystemFileHandle> {
  const found = input ?? (isFileHandle(handle) ? handle : undefined);
  if (!found) {
    throw new UploadError('FILE_UNREADABLE', `This browser keeps no way back to ${name}. Pick it again.`);
  }
  if (isFileHandle(found)) await askToRead(found);
  const source = createBlobSource(isFileHandle(found) ? await openHandle(found) : found);
  const isSame = source.sizeBytes === sizeBytes && (await fingerprintOf(source)) === fingerprint;
  if (!isSame && input) {
    throw new UploadError('FILE_MISMATCH', `This is not ${name} as the upload began with it. Pick that one.`);
  }
  // The samples may be the same although the file was edited between them.
  if (!isSame || source.lastModifiedEpochMs !== hint.lastModifiedEpochMs) {
    throw new UploadError(
      'FILE_CHANGED',
      `${name} was changed since the upload began. Upload it as a new one.`,
    );
  }
  return found;
}
