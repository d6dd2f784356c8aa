import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { createFolderStorage } from '../src/lib/storage/folder-storage.ts';
import type { Storage } from '../src/lib/storage/storage.ts';
import { createBucket } from '../src/lib/store/buckets.ts';
import { completeUpload } from '../src/lib/store/complete-upload.ts';
import { loadStore } from '../src/lib/store/load-store.ts';
import { changingObject, deleteObject, putVersion } from '../src/lib/store/objects.ts';
import type { Bucket, Store } from '../src/lib/store/store.ts';
import { bucketOf, createStore } from '../src/lib/store/store.ts';
import type { Part } from '../src/lib/store/upload.ts';
import { createUpload, putPart } from '../src/lib/store/uploads.ts';
import { visibleObject } from '../src/lib/store/versions.ts';
import { patternBytes } from './test-server.ts';

const SIZE = 1024 ** 2;
const KEY = 'folder/key';
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

const FIRST = patternBytes(1_000, 1);
const PARTS = [patternBytes(SIZE, 2), patternBytes(SIZE, 3), patternBytes(77, 4)];
const RESENT = patternBytes(SIZE, 5);
const ASSEMBLED = Buffer.concat([RESENT, ...PARTS.slice(1)]);
const LAST = patternBytes(500, 6);

/** What the key holds after each step. Between two steps it holds one or the other, nothing else. */
const HELD: readonly (Buffer | undefined)[] = [undefined, FIRST, FIRST, ASSEMBLED, LAST, undefined];

/** As if the process were killed before its operation number `limit`: that one and all later ones never happen. */
function stopAfter(storage: Storage, limit: number): Storage & { readonly used: () => number } {
  let used = 0;
  const guarded = Object.entries(storage).map(
    ([name, operation]: [string, (...args: never[]) => unknown]) => {
      const isChange = !['loadRecords', 'readBytes', 'objectFile', 'keepOnlyBytes'].includes(name);
      const call = (...args: never[]): unknown => {
        used += isChange ? 1 : 0;
        if (isChange && used > limit) throw new Error('killed');
        return operation(...args);
      };
      return [name, call];
    },
  );
  return { ...(Object.fromEntries(guarded) as Storage), used: () => used };
}

const openStore = async (storage: Storage): Promise<Store> => {
  const store = createStore({
    storage,
    region: 'us-east-1',
    minPartSizeBytes: SIZE,
    defaultCors: [],
    now: () => 1_000,
  });
  await loadStore(store);
  return store;
};

const writeBytes = async (
  store: Store,
  bytes: Uint8Array,
  placement?: Parameters<Storage['beginBytes']>[0],
) => {
  const writer = await store.storage.beginBytes(placement);
  await writer.write(bytes);
  return await writer.finish();
};

const putWhole = async (store: Store, bucket: Bucket, content: Uint8Array) => {
  const target = { bucket, key: KEY };
  const bytes = await writeBytes(store, content);
  const version = {
    kind: 'object',
    versionId: 'null',
    lastModifiedEpochMs: 0,
    headers: {},
    metadata: {},
  } as const;
  const object = { ...version, etag: md5(content), sizeBytes: content.length, bytes };
  await changingObject(store, target, () => putVersion(store, target, object));
};

const sendPart = async (
  store: Store,
  bucket: Bucket,
  uploadId: string,
  [partNumber, content]: [number, Uint8Array],
) => {
  const sizeBytes = content.length;
  const bytes = await writeBytes(store, content, { group: uploadId, partNumber, sizeBytes });
  const part: Part = { partNumber, sizeBytes, etag: md5(content), lastModifiedEpochMs: 0, bytes };
  await putPart(store, { bucket, key: KEY, uploadId }, part);
};

const complete = async (store: Store, bucket: Bucket, uploadId: string) => {
  const parts = [RESENT, ...PARTS.slice(1)].map((content, index) => ({
    partNumber: index + 1,
    etag: md5(content),
    checksums: new Map(),
  }));
  return await completeUpload(store, { bucket, key: KEY, uploadId }, { parts, mustBeNew: false });
};

/** Runs the steps and tells how many were done. */
async function run(store: Store): Promise<{ done: number; error?: unknown }> {
  let done = 0;
  let uploadId = '';
  const bucket = () => bucketOf(store, 'bucket');
  const steps = [
    async () => {
      await createBucket(store, 'bucket');
      await putWhole(store, bucket(), FIRST);
    },
    async () => {
      ({ uploadId } = await createUpload(store, bucket(), { key: KEY, headers: {}, metadata: {} }));
      for (const [index, content] of PARTS.entries()) {
        await sendPart(store, bucket(), uploadId, [index + 1, content]);
      }
      await sendPart(store, bucket(), uploadId, [1, RESENT]);
    },
    async () => await complete(store, bucket(), uploadId),
    async () => await putWhole(store, bucket(), LAST),
    async () => {
      const target = { bucket: bucket(), key: KEY };
      await changingObject(store, target, () => deleteObject(store, target));
    },
  ];
  try {
    for (const step of steps) {
      await step();
      done += 1;
    }
    return { done };
  } catch (error) {
    return { done, error };
  }
}

async function contentOf(store: Store): Promise<Buffer | undefined> {
  const object = visibleObject(store.buckets.get('bucket')?.objects.get(KEY));
  if (object === undefined) return undefined;
  const stream = store.storage.readBytes(object.bytes, 0, object.sizeBytes);
  return Buffer.from(await new Response(stream).arrayBuffer());
}

/** Each part that is listed is what its ETag says, and the upload can be brought to its end. */
async function finishOpenUploads(store: Store): Promise<void> {
  const bucket = bucketOf(store, 'bucket');
  for (const upload of bucket.uploads.values()) {
    for (const part of upload.parts.values()) {
      const stream = store.storage.readBytes(part.bytes, 0, part.sizeBytes);
      expect(md5(new Uint8Array(await new Response(stream).arrayBuffer()))).toBe(part.etag);
    }
    for (const [index, content] of [RESENT, ...PARTS.slice(1)].entries()) {
      await sendPart(store, bucket, upload.uploadId, [index + 1, content]);
    }
    const { etag } = await complete(store, bucket, upload.uploadId);
    expect(await complete(store, bucket, upload.uploadId)).toMatchObject({ etag });
    expect((await contentOf(store))?.equals(ASSEMBLED)).toBe(true);
  }
}

test('stopped before any operation of the storage, a restart finds one state or the next', async () => {
  const moments = new Set<number>();
  for (let limit = 0; ; limit += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'local-s3-crash-'));
    const storage = stopAfter(createFolderStorage(folder), limit);
    const { done, error } = await run(await openStore(storage));
    if (error !== undefined) expect(error).toMatchObject({ message: 'killed' });
    moments.add(done);

    const again = await openStore(createFolderStorage(folder));
    const held = await contentOf(again);
    const allowed = [HELD[done], HELD[done + 1]];
    expect(
      allowed.some((content) => (content === undefined ? held === undefined : held?.equals(content))),
    ).toBe(true);
    const visible = await readFile(join(folder, 'bucket', KEY)).catch(() => undefined);
    expect(visible).toEqual(held);
    if (again.buckets.has('bucket')) await finishOpenUploads(again);

    await rm(folder, { recursive: true });
    if (error === undefined) break;
  }
  expect(moments).toEqual(new Set([0, 1, 2, 3, 4, 5]));
});
