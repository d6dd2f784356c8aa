// The page of the tests: a file input, and the SDK behind functions that a test can call.
import {
  createLocalStorageResumeStore,
  createUploader,
  isUploadError,
  type BrowserInput,
  type UploadHandle,
} from '@longhaul/sdk';
import type { TestOutcome, TestPage, TestUploaderOptions } from './test-page-api.ts';

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
  outcome: async (upload) => await outcomeOf(find(upload)),
  whenSent: async (upload, sentBytes) =>
    await until(upload, ({ handle }) => handle.progress.sentBytes >= sentBytes),
  whenStored: async (upload, count) => await until(upload, ({ stored }) => stored.size >= count),
  cancel: async (upload) => await find(upload).handle.cancel(),
  abort: (upload) =>
    find(upload).controller.abort(new DOMException('The test has had enough.', 'AbortError')),
};
Object.assign(globalThis, { testPage });

function begin(options: TestUploaderOptions, input: BrowserInput): number {
  const controller = new AbortController();
  const handle = uploaderFor(options).upload(input, { ...options.upload, signal: controller.signal });
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
  const { remember, upload: _upload, ...plain } = options;
  const key = JSON.stringify(options);
  const known = uploaders.get(key);
  if (known) return known;
  const made = createUploader({
    ...plain,
    ...(remember && { resumeStore: createLocalStorageResumeStore() }),
  });
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
  const error: unknown = ending.reason;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { ...seen, error: { name, message, ...(isUploadError(error) && { code: error.code }) } };
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
