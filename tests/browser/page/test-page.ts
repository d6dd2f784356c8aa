// The page of the tests: a file input, and the SDK behind functions that a test can call.
import { createUploader, isUploadError, type BrowserInput, type UploadHandle } from '@longhaul/sdk';
import type { TestFailure, TestOutcome, TestPage, TestUploaderOptions } from './test-page-api.ts';

interface Running {
  readonly handle: UploadHandle;
  readonly controller: AbortController;
  readonly states: string[];
  readonly sentBytes: number[];
  readonly stored: Set<number>;
  resumedParts: number;
}

const running: Running[] = [];
const uploaders = new Map<string, ReturnType<typeof createUploader>>();

const testPage: TestPage = {
  start(options) {
    const input = document.querySelector('input');
    return [...(input?.files ?? [])].map((file) => begin(options, file));
  },
  startBytes: (options, kind, sizeBytes) => begin(options, bytesOf(kind, sizeBytes)),
  startStream(options) {
    const file = document.querySelector('input')?.files?.[0];
    if (!file) throw new Error('No file was picked');
    return begin(options, file.stream());
  },
  outcome: async (upload) => await outcomeOf(find(upload)),
  whenSent: async (upload, sentBytes) =>
    await until(upload, ({ handle }) => handle.progress.sentBytes >= sentBytes),
  whenStored: async (upload, count) => await until(upload, ({ stored }) => stored.size >= count),
  cancel: async (upload) => await find(upload).handle.cancel(),
  pause: (upload) => find(upload).handle.pause(),
  resume: (upload) => find(upload).handle.resume(),
  state: (upload) => find(upload).handle.state.kind,
  uploadId: (upload) => find(upload).handle.uploadId,
  async startStored(options, name, sizeBytes) {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(name, { create: true });
    const stream = await handle.createWritable();
    for (let left = sizeBytes; left > 0; left -= RANDOM_BYTES) {
      await stream.write(crypto.getRandomValues(new Uint8Array(Math.min(left, RANDOM_BYTES))));
    }
    await stream.close();
    return begin(options, handle);
  },
  async digestStored(name) {
    const folder = await navigator.storage.getDirectory();
    const file = await (await folder.getFileHandle(name)).getFile();
    const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  },
  async pending(options) {
    const found = await uploaderFor(options).pendingUploads();
    return found.map(({ name, sizeBytes, hasFile }) => ({ name, sizeBytes, hasFile }));
  },
  async kept() {
    const { held = [] } = await navigator.locks.query();
    return JSON.stringify([await storedRecords(), held]);
  },
  async resumePending(options, withFile, customerKey) {
    const [first] = await uploaderFor(options).pendingUploads();
    if (!first) throw new Error('Nothing was left open');
    const file = withFile ? document.querySelector('input')?.files?.[0] : undefined;
    try {
      return follow(await first.resume(file, customerKey), new AbortController());
    } catch (error) {
      return failureOf(error);
    }
  },
  async rotate(options, nodeId, { key, oldKey }) {
    const wish = { encryption: { mode: 'sse-c', key }, oldKey } as const;
    try {
      const { result } = await uploaderFor(options).rotate(nodeId, wish).result;
      return result?.key ?? '';
    } catch (error) {
      return failureOf(error);
    }
  },
  abort: (upload) =>
    find(upload).controller.abort(new DOMException('The test has had enough.', 'AbortError')),
};
Object.assign(globalThis, { testPage });

async function storedRecords(): Promise<unknown[]> {
  const answered = async <Value>(request: IDBRequest<Value>): Promise<Value> =>
    await new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await answered(indexedDB.open('longhaul'));
  const records: unknown[] = [];
  for (const name of database.objectStoreNames)
    records.push(await answered(database.transaction(name).objectStore(name).getAll()));
  database.close();
  return records;
}

/** As much as `getRandomValues` gives at once. */
const RANDOM_BYTES = 64 * 1024;

function begin(options: TestUploaderOptions, input: BrowserInput): number {
  const controller = new AbortController();
  return follow(
    uploaderFor(options).upload(input, { ...options.upload, signal: controller.signal }),
    controller,
  );
}

function follow(handle: UploadHandle, controller: AbortController): number {
  const upload: Running = {
    handle,
    controller,
    states: [],
    sentBytes: [],
    stored: new Set(),
    resumedParts: 0,
  };
  handle.on('state', (state) => {
    upload.states.push(state.kind);
    if (state.kind === 'sending') ({ resumedParts: upload.resumedParts } = state.upload);
  });
  handle.on('progress', ({ sentBytes }) => upload.sentBytes.push(sentBytes));
  handle.on('part', ({ partNumber, isStored }) => {
    if (isStored) upload.stored.add(partNumber);
  });
  // Looked at by `outcome`, which may be asked later than it fails.
  handle.result.catch(() => {});
  return running.push(upload) - 1;
}

/** Uploads with the same options share an uploader, as those of one page do. */
function uploaderFor(options: TestUploaderOptions): ReturnType<typeof createUploader> {
  const { upload: _upload, ...plain } = options;
  const key = JSON.stringify(options);
  const known = uploaders.get(key);
  if (known) return known;
  const made = createUploader(plain);
  uploaders.set(key, made);
  return made;
}

function bytesOf(kind: string, sizeBytes: number): BrowserInput {
  const bytes = new Uint8Array(sizeBytes).map((_, index) => index % 251);
  if (kind === 'Blob') return new Blob([bytes], { type: 'text/x-test' });
  return kind === 'ArrayBuffer' ? bytes.buffer : bytes;
}

async function outcomeOf(upload: Running): Promise<TestOutcome> {
  const [ending] = await Promise.allSettled([upload.handle.result]);
  const { handle, states, sentBytes, resumedParts } = upload;
  const seen = { uploadId: handle.uploadId, states, sentBytes, resumedParts };
  if (ending.status === 'fulfilled') {
    const { uploadId, key, etag, partCount, proof } = ending.value;
    return { ...seen, result: { uploadId, key, etag, partCount, proof } };
  }
  return { ...seen, error: failureOf(ending.reason) };
}

function failureOf(error: unknown): TestFailure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, message, ...(isUploadError(error) && { code: error.code }) };
}

async function until(upload: number, holds: (running: Running) => boolean): Promise<void> {
  const seen = find(upload);
  const over = seen.handle.result.then(
    () => 'completed',
    (error: unknown) => String(error),
  );
  while (!holds(seen)) {
    const pause = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 10));
    const ended = await Promise.race([over, pause]);
    if (ended !== undefined && !holds(seen)) throw new Error(`The upload ended too early: ${ended}`);
  }
}

function find(upload: number): Running {
  const found = running[upload];
  if (!found) throw new Error(`There is no upload ${upload}`);
  return found;
}
