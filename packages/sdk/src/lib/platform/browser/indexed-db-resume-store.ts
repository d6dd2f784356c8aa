import type { ResumeDetails, ResumeHint, ResumeStore } from '../../ports/resume-store.ts';

/** An upload that was left open, as the database has it. */
export interface RememberedUpload extends Omit<ResumeDetails, 'source'> {
  readonly key: string;
  readonly hint: ResumeHint;
  readonly name: string | undefined;
  readonly sizeBytes: number;
  /** A `FileSystemFileHandle`, where the source was opened from one. */
  readonly handle?: FileSystemFileHandle | undefined;
}

/** A resume store that can list what it remembers. */
export interface IndexedDbResumeStore extends ResumeStore {
  list(): Promise<readonly RememberedUpload[]>;
}

const DATABASE = 'longhaul';
const UPLOADS = 'uploads';

/** Longer than a coordinator keeps an upload that nobody goes on with. */
const MAX_AGE_MS = 7 * 24 * 3_600_000;

/**
 * Remembers open uploads in the origin's IndexedDB, which all its tabs and workers share. Where that is denied or full
 * (private windows, sandboxed frames) it rejects, which costs an upload nothing but the hint.
 */
export function createIndexedDbResumeStore(): IndexedDbResumeStore {
  return {
    async find(key) {
      const record: RememberedUpload | undefined = await run('readonly', (uploads) => uploads.get(key));
      return record?.hint;
    },
    async remember(key, hint, { source, options, ...details }) {
      const { name, sizeBytes } = source;
      const handle = source.handle as FileSystemFileHandle | undefined;
      // Of the options, what a later page can use: no signal, no function.
      const kept: object = JSON.parse(JSON.stringify({ ...options, signal: undefined }));
      const record: RememberedUpload = { key, hint, ...details, name, sizeBytes, handle, options: kept };
      await run('readwrite', (uploads) => {
        dropOld(uploads, hint.savedAtEpochMs - MAX_AGE_MS);
        return uploads.put(record);
      });
    },
    forget: async (key) => await run('readwrite', (uploads) => uploads.delete(key)),
    list: async () => await run('readonly', (uploads) => uploads.getAll()),
  };
}

function dropOld(uploads: IDBObjectStore, beforeEpochMs: number): void {
  const request = uploads.openCursor();
  request.onsuccess = () => {
    const cursor = request.result;
    if (!cursor) return;
    const { hint }: RememberedUpload = cursor.value;
    if (hint.savedAtEpochMs < beforeEpochMs) cursor.delete();
    cursor.continue();
  };
}

/** One transaction. The database is closed after it: one that stays open would be in the way of its own removal. */
async function run<Value>(
  mode: IDBTransactionMode,
  act: (uploads: IDBObjectStore) => IDBRequest<Value>,
): Promise<Value> {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(UPLOADS, mode);
      const request = act(transaction.objectStore(UPLOADS));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(UPLOADS, { keyPath: 'key' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
