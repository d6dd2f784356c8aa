import type { ByteSource } from '../../ports/byte-source.ts';
import type { UploadError } from '../../upload-error.ts';
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
   * @param customerKey the key of an upload with `sse-c`, which no browser keeps: the upload fails with `KEY_UNUSABLE` without
   * @throws UploadError `FILE_UNREADABLE` if the page cannot read the file: let the user pick it again; `FILE_MISMATCH`
   * if `file` is another one, whatever its name; `FILE_CHANGED` if it was written to since the upload began
   */
  resume(file?: Blob | FileSystemFileHandle, customerKey?: Uint8Array | string): Promise<Handle>;
  /**
   * Takes it off the list. The coordinator ends the upload by itself once nobody has gone on with it for long enough (72
   * hours, if it does not say otherwise); to end it at once, resume and cancel it.
   */
  forget(): Promise<void>;
}

type Input = Blob | FileSystemFileHandle;

/** What the entry has loaded already: imported from here as well, it would become a chunk that every page loads. */
export interface PendingInput<Handle> {
  upload(input: Input, options: object): Handle;
  /** Address of the coordinator; `undefined`: any. */
  readonly address: string | undefined;
  openSource(input: Input): Promise<ByteSource>;
  fingerprintOf(source: ByteSource): Promise<string | undefined>;
  readonly UploadError: typeof UploadError;
}

/** What a file handle has in browsers that ask the user before a page may read a file again. */
interface AskingHandle {
  queryPermission?(wish: { readonly mode: 'read' }): Promise<PermissionState>;
  requestPermission?(wish: { readonly mode: 'read' }): Promise<PermissionState>;
}

/** What was left open at this coordinator, oldest first, without what is under way in this tab or another. */
export async function pendingUploads<Handle>(
  input: PendingInput<Handle>,
): Promise<readonly PendingUpload<Handle>[]> {
  const { upload, address } = input;
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
      hasFile: record.handle !== undefined,
      resume: async (file, customerKey) =>
        upload(await findFile(input, record, file), withKey(record.options, customerKey)),
      forget: async () => await store.forget(record.key),
    }));
}

/** What was kept of the options knows the MD5 of the key only. */
function withKey(options: RememberedUpload['options'], key: Uint8Array | string | undefined): object {
  const { encryption } = options as { readonly encryption?: object };
  return encryption && key ? { ...options, encryption: { ...encryption, key } } : options;
}

/** Names of the locks that uploads hold while they run. */
async function runningUploads(): Promise<readonly string[]> {
  const locks = navigator.locks as LockManager | undefined;
  return ((await locks?.query())?.held ?? []).map(({ name = '' }) => name);
}

/** The same file as when the upload began, `given` or from where it came from then. */
async function findFile(
  { openSource, fingerprintOf, UploadError }: PendingInput<unknown>,
  { name = 'The file', hint, sizeBytes, fingerprint, handle }: RememberedUpload,
  given: Input | undefined,
): Promise<Input> {
  const found = given ?? handle;
  if (!found) {
    throw new UploadError('FILE_UNREADABLE', `This browser keeps no way back to ${name}. Pick it again.`);
  }
  await askToRead(found);
  const source = await openSource(found);
  const isSame = source.sizeBytes === sizeBytes && (await fingerprintOf(source)) === fingerprint;
  if (!isSame && given) {
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

/** Asks the user, where the browser wants that, to let the page read the file again. A file itself needs no asking. */
async function askToRead(input: Input & AskingHandle): Promise<void> {
  const wish = { mode: 'read' } as const;
  if ((await input.queryPermission?.(wish)) === 'prompt') await input.requestPermission?.(wish);
}
