// Compiled, never run: what the types of the SDK promise to those who call it.
import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import type { createCoordinator } from '@longhaul/coordinator';
import {
  createFileResumeStore,
  createUploader,
  isUploadError,
  type NodeInput,
  type TransferState,
  type UploadErrorCode,
  type UploadHandle,
  type UploadProgress,
  type UploadResult,
} from '@longhaul/sdk';
import { type ByteSource, createUploaderOn, type Platform } from '@longhaul/sdk/core';
import { filesOfFolder, uploadAll, type UploadOutcome } from '@longhaul/sdk/many';
import { expectTypeOf } from 'vitest';

declare const app: ReturnType<typeof createCoordinator>;

const uploader = createUploader({ coordinator: 'http://127.0.0.1:8787' });
createUploader({ coordinator: new URL('http://127.0.0.1:8787') });
createUploader({ coordinator: app.fetch });
createUploader({
  coordinator: 'http://127.0.0.1:8787',
  concurrency: 8,
  headers: async () => ({ authorization: 'Bearer ...' }),
  resumeStore: createFileResumeStore('/tmp/hints'),
});

// @ts-expect-error: nobody to talk to
createUploader({});
// @ts-expect-error: a number is wanted
createUploader({ coordinator: 'http://127.0.0.1:8787', concurrency: '8' });
// @ts-expect-error: a misspelt option
createUploader({ coordinator: 'http://127.0.0.1:8787', concurency: 8 });
// @ts-expect-error: leave it out rather than pass undefined
createUploader({ coordinator: 'http://127.0.0.1:8787', partSizeBytes: undefined });

uploader.upload('./film.mp4');
uploader.upload(new Uint8Array(5), { name: 'five', metadata: { owner: 'me' } });
uploader.upload(await openAsBlob('./film.mp4'));
uploader.upload(await open('./film.mp4'), { encryption: { mode: 'sse-kms', kmsKeyId: 'key' } });
// @ts-expect-error: no source
uploader.upload(5);
uploader.upload('./film.mp4', { encryption: { mode: 'sse-kms' } });
// @ts-expect-error: no such mode
uploader.upload('./film.mp4', { encryption: { mode: 'rot13' } });

const handle = uploader.upload('./film.mp4');
expectTypeOf(handle).toEqualTypeOf<UploadHandle>();
expectTypeOf(handle.result).toEqualTypeOf<Promise<UploadResult>>();
expectTypeOf(handle.cancel()).toEqualTypeOf<Promise<'cancelled' | 'completed'>>();
expectTypeOf(handle.on('progress', () => {})).toEqualTypeOf<() => void>();
handle.on('progress', (event) => expectTypeOf(event).toEqualTypeOf<UploadProgress>());
handle.on('state', (event) => expectTypeOf(event).toEqualTypeOf<TransferState>());
expectTypeOf(handle.pause()).toEqualTypeOf<void>();
expectTypeOf(handle.resume()).toEqualTypeOf<void>();
for await (const progress of handle) expectTypeOf(progress).toEqualTypeOf<UploadProgress>();
handle.on('part', ({ partNumber }) => expectTypeOf(partNumber).toEqualTypeOf<number>());
// @ts-expect-error: no such event
handle.on('done', () => {});

const result = await handle.result;
expectTypeOf(result.etag).toEqualTypeOf<string>();
expectTypeOf(result.versionId).toEqualTypeOf<string | undefined>();
// @ts-expect-error: an answer is not ours to change
result.key = 'another';

const { state } = handle;
if (state.kind === 'completed') expectTypeOf(state.result).toEqualTypeOf<UploadResult>();
// @ts-expect-error: only a finished upload has a result
if (state.kind === 'sending') state.result satisfies UploadResult;

const failure: unknown = new Error('any');
if (isUploadError(failure)) {
  expectTypeOf(failure.code).toEqualTypeOf<UploadErrorCode>();
  // @ts-expect-error: no such code
  if (failure.code === 'OOPS') throw failure;
}

interface Tape extends ByteSource {
  readonly reel: number;
}
declare const tapeDeck: Platform<number, Tape>;
const tapeUploader = createUploaderOn(tapeDeck, { coordinator: app.fetch });
tapeUploader.upload(5);
// @ts-expect-error: this platform opens reels by number
tapeUploader.upload('./film.mp4');

const all = uploadAll(uploader, filesOfFolder('./photos'), { connectorId: 'photos', stopOnError: true });
uploadAll(uploader, [
  './a',
  new Uint8Array(5),
  { input: './b', name: 'letters/b', contentType: 'text/plain' },
]);
// @ts-expect-error: a name is one file's
uploadAll(uploader, ['./a'], { name: 'a' });
// @ts-expect-error: nothing that this uploader takes
uploadAll(uploader, [5]);
all.on('progress', ({ doneFiles }) => expectTypeOf(doneFiles).toEqualTypeOf<number>());
all.on('begin', ({ upload }) => expectTypeOf(upload).toEqualTypeOf<UploadHandle>());
expectTypeOf(all.result).toEqualTypeOf<Promise<readonly UploadOutcome<NodeInput>[]>>();
for (const { result: stored, error } of await all.result) {
  expectTypeOf(stored).toEqualTypeOf<UploadResult | undefined>();
  expectTypeOf(error).toBeUnknown();
}
