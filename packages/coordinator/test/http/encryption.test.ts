import { createHash, randomBytes } from 'node:crypto';
import {
  type CreateUploadRequest,
  type CreateUploadResponse,
  CUSTOMER_KEY_HEADERS,
  type StoreCall,
} from '@longhaul/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createListenerSink, relay, sweep } from '../../src/index.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import {
  put,
  startCoordinator,
  type TestCoordinator,
  type TestOptions,
} from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;

interface Key {
  readonly headers: Record<string, string>;
  readonly wish: Extract<CreateUploadRequest['encryption'], { mode: 'sse-c' }>;
  readonly base64: string;
}

function newKey(): Key {
  const bytes = randomBytes(32);
  const base64 = bytes.toString('base64');
  const customerKeyMd5 = createHash('md5').update(bytes).digest('base64');
  return { headers: { [CUSTOMER_KEY_HEADERS.key]: base64 }, wish: { mode: 'sse-c', customerKeyMd5 }, base64 };
}

/** What a client does with the URL that it gets for it. */
async function begin({ method, url, headers }: StoreCall, key: Key): Promise<string> {
  const response = await fetch(url, { method, headers: { ...headers, ...key.headers } });
  const body = await response.text();
  return /<UploadId>([^<]+)</.exec(body)?.[1] ?? `refused: ${response.status}`;
}

let coordinator: TestCoordinator;
afterEach(() => coordinator.close());

const start = async (options: TestOptions = {}): Promise<void> => {
  coordinator = await startCoordinator(options);
};

const refusal = async (request: Partial<CreateUploadRequest>) => {
  const body = { createId: crypto.randomUUID(), name: 'a', sizeBytes: 1, ...request };
  const { status, problem } = await coordinator.call('POST', '/v1/uploads', { body });
  return { status, code: problem.code };
};

describe('encryption policy', () => {
  it('asks for nothing by default, and takes what the store has', async () => {
    await start();
    for (const encryption of [undefined, { mode: 'sse-s3' }, { mode: 'sse-kms' }, newKey().wish] as const)
      expect(await coordinator.create({ ...(encryption && { encryption }) })).toMatchObject({
        state: 'UPLOADING',
      });
  });

  it('refuses an upload without where it is required, and names what there is', async () => {
    await start({ encryption: { isRequired: true, modes: ['sse-kms'] } });
    expect(await refusal({})).toEqual({ status: 400, code: 'encryption-required' });
    expect(await refusal({ encryption: { mode: 'sse-s3' } })).toEqual({
      status: 403,
      code: 'encryption-not-allowed',
    });
    await coordinator.create({ encryption: { mode: 'sse-kms' } });
  });

  it('gives the default to whoever asks for none, in parts, in one PUT and inside the call', async () => {
    await start({ encryption: { isRequired: true, defaultMode: 'sse-kms', defaultKmsKeyId: 'house' } });
    const encryption = { mode: 'sse-kms', kmsKeyId: 'house' };
    const inline = await coordinator.create({ payload: 'AA==' });
    expect(inline.result).toMatchObject({ encryption });
    for (const mode of ['single', 'multipart'] as const) {
      const upload = await coordinator.create({ mode });
      expect((await put(upload.grants[0]!, new Uint8Array(1))).status).toBe(200);
      expect(await coordinator.complete(upload)).toMatchObject({
        status: 200,
        answer: { result: { encryption } },
      });
      expect(
        await coordinator.objectStore.headObject({ key: `connectors/default/${upload.uploadId}` }),
      ).toMatchObject({ encryption: 'sse-kms' });
    }
  });

  it('lets KMS keys of its list through, and no others', async () => {
    await start({ encryption: { kmsKeyIds: ['one'], defaultKmsKeyId: 'house' } });
    for (const kmsKeyId of ['one', 'house'])
      await coordinator.create({ encryption: { mode: 'sse-kms', kmsKeyId } });
    expect(await refusal({ encryption: { mode: 'sse-kms', kmsKeyId: 'two' } })).toMatchObject({
      code: 'encryption-not-allowed',
    });
    await coordinator.close();
    await start();
    expect(await refusal({ encryption: { mode: 'sse-kms', kmsKeyId: 'any' } })).toMatchObject({
      code: 'encryption-not-allowed',
    });
    await coordinator.close();
    await start({ encryption: { kmsKeyIds: ['*'] } });
    await coordinator.create({ encryption: { mode: 'sse-kms', kmsKeyId: 'any' } });
  });

  it('is wrong in every way at once, and says so at the start', async () => {
    await start();
    const wrong = { modes: [], isRequired: true, defaultMode: 'sse-c' } as never;
    await expect(
      startCoordinator({ encryption: wrong, objectOptions: { allowed: ['acl'] } as never }),
    ).rejects.toThrow(/isRequired.*defaultMode.*objectOptions\.allowed/s);
  });

  it('takes no object for encrypted that the store does not show so', async () => {
    await start({
      wrapStore: (store) => ({
        ...store,
        headObject: async (ref) => {
          const { encryption: _hidden, ...object } = (await store.headObject(ref)) ?? {};
          return Object.keys(object).length > 0 ? (object as never) : undefined;
        },
      }),
    });
    const upload = await coordinator.create({ encryption: { mode: 'sse-s3' } });
    await put(upload.grants[0]!, new Uint8Array(1));
    expect(await coordinator.complete(upload)).toMatchObject({ problem: { code: 'upload-failed' } });
  });
});

describe('object options', () => {
  it('are kept with the object, however it travels', async () => {
    await start();
    const objectOptions = {
      cacheControl: 'max-age=60',
      contentDisposition: 'attachment',
      contentEncoding: 'gzip',
    };
    const uploads = [
      await coordinator.create({ objectOptions, mode: 'single' }),
      await coordinator.create({ objectOptions, mode: 'multipart' }),
    ];
    for (const upload of uploads) {
      await put(upload.grants[0]!, new Uint8Array(1));
      await coordinator.complete(upload);
    }
    uploads.push(await coordinator.create({ objectOptions, payload: 'AA==' }));
    for (const { uploadId } of uploads) {
      const object = await coordinator.get(`connectors/default/${uploadId}`);
      expect(object).toMatchObject({
        CacheControl: 'max-age=60',
        ContentDisposition: 'attachment',
        ContentEncoding: 'gzip',
      });
    }
  });

  it('are signed: the client cannot send others', async () => {
    await start();
    const { grants } = await coordinator.create({ objectOptions: { cacheControl: 'max-age=60' } });
    expect((await put(grants[0]!, new Uint8Array(1), { 'cache-control': 'no-store' })).status).toBe(403);
  });

  it('are refused where the policy does not let them through, or the store has them not', async () => {
    await start();
    const code = 'object-options-not-allowed';
    for (const objectOptions of [
      { tags: { a: 'b' } },
      { storageClass: 'GLACIER' },
      { objectLock: { legalHold: true } },
    ])
      expect(await refusal({ objectOptions })).toEqual({ status: 403, code });
    await coordinator.close();
    await start({ objectOptions: { allowed: ['tags', 'storageClass'], storageClasses: ['STANDARD_IA'] } });
    expect(await refusal({ objectOptions: { storageClass: 'GLACIER' } })).toMatchObject({ code });
    expect(await refusal({ objectOptions: { cacheControl: 'no-store' } })).toMatchObject({ code });
    expect(await refusal({ objectOptions: { tags: { a: 'b' } } })).toEqual({
      status: 400,
      code: 'object-options-unsupported',
    });
  });

  it('make another upload of the same content', async () => {
    await start();
    const file = { sizeBytes: 6 * MIB, mode: 'multipart', fingerprint: 'f'.repeat(64) } as const;
    const one = await coordinator.create(file);
    const two = await coordinator.create({ ...file, objectOptions: { cacheControl: 'no-store' } });
    expect(two.uploadId).not.toBe(one.uploadId);
    expect((await coordinator.create(file)).uploadId).toBe(one.uploadId);
  });
});

describe('a key that only the client has', () => {
  const key = newKey();
  const events: unknown[] = [];
  let options: TestOptions;
  beforeEach(async () => {
    const memory = createSqliteStore({ path: ':memory:' });
    await memory.catalog.migrate();
    options = { ...memory, sinks: [createListenerSink((event) => void events.push(event))] };
    await start(options);
  });

  const create = async (request: Partial<CreateUploadRequest> = {}): Promise<CreateUploadResponse> =>
    await coordinator.create({
      sizeBytes: 6 * MIB,
      partSizeBytes: 5 * MIB,
      mode: 'multipart',
      encryption: key.wish,
      ...request,
    });
  const open = async ({ uploadId, token }: CreateUploadResponse, s3UploadId: string) =>
    await coordinator.call<CreateUploadResponse>('POST', `/v1/uploads/${uploadId}/open`, {
      token,
      body: { s3UploadId },
    });
  const keyOf = ({ uploadId }: { uploadId: string }): string => `connectors/default/${uploadId}`;
  const openAtStore = async ({ uploadId }: { uploadId: string }) =>
    await coordinator.objectStore.listMultipartUploads({ prefix: keyOf({ uploadId }) });
  const sendAll = async (upload: CreateUploadResponse, content: Uint8Array) => {
    for (const grant of upload.grants) {
      const from = (grant.partNumber - 1) * upload.plan.partSizeBytes;
      const body = content.subarray(from, from + upload.plan.partSizeBytes);
      const response = await put(grant, body, key.headers);
      const etag = response.headers.get('etag') ?? '';
      const receipt = { partNumber: grant.partNumber, sizeBytes: body.byteLength, etag };
      expect(await coordinator.parts(upload, { report: [receipt] })).toMatchObject({ status: 200 });
    }
  };

  it('opens the upload at the store, sends it, and reads it back', async () => {
    const created = await create();
    expect(created).toMatchObject({ state: 'PENDING', mode: 'multipart', grants: [], receivedParts: [] });
    expect(created.openingCall?.headers).toMatchObject({
      [CUSTOMER_KEY_HEADERS.md5]: key.wish.customerKeyMd5,
    });
    const { answer: opened } = await open(created, await begin(created.openingCall!, key));
    expect(opened).toMatchObject({ uploadId: created.uploadId, state: 'UPLOADING' });
    expect(opened.grants).toHaveLength(2);
    expect(opened).not.toHaveProperty('openingCall');
    const content = randomBytes(6 * MIB);
    await sendAll(opened, content);
    const { answer } = await coordinator.complete(opened);
    expect(answer).toMatchObject({
      state: 'COMPLETED',
      result: { encryption: { mode: 'sse-c' }, sizeBytes: 6 * MIB, partCount: 2, proof: 'size' },
    });
    await expect(coordinator.read(keyOf(created))).rejects.toThrow();
    expect(Buffer.compare(await coordinator.read(keyOf(created), key.base64), content)).toBe(0);
    await relay(coordinator.options);
    expect(events.at(-1)).toMatchObject({
      data: { uploadId: created.uploadId, encryption: { mode: 'sse-c' } },
    });
    expect(JSON.stringify(events)).not.toContain(key.wish.customerKeyMd5);
  });

  it('goes with a Content-MD5 of each part: whatever else was declared would want the key to be joined', async () => {
    const upload = await create({ checksums: ['CRC32', 'MD5'] });
    expect(upload.checksumAlgorithm).toBe('MD5');
    expect(Object.keys(upload.openingCall?.headers ?? {}).join(' ')).not.toContain('checksum');
    expect(await create({ checksums: ['CRC32'] })).not.toHaveProperty('checksumAlgorithm');
  });

  it('is bound to the URL: no other key begins the upload', async () => {
    const { openingCall } = await create();
    expect(await begin(openingCall!, newKey())).toBe('refused: 400');
  });

  it('stores what is sent in one PUT, with that key only', async () => {
    const upload = await create({ sizeBytes: 1000, mode: 'single' });
    const [grant] = upload.grants;
    expect((await put(grant!, randomBytes(1000))).status).toBe(400);
    expect((await put(grant!, randomBytes(1000), newKey().headers)).status).toBe(400);
    expect(await coordinator.complete(upload)).toMatchObject({ problem: { code: 'parts-missing' } });
    expect((await put(grant!, randomBytes(1000), key.headers)).status).toBe(200);
    expect(await coordinator.complete(upload)).toMatchObject({ answer: { state: 'COMPLETED' } });
  });

  it('is not wanted by the coordinator, nor is content to encrypt', async () => {
    expect(await refusal({ encryption: { ...key.wish, customerKey: key.base64 } })).toEqual({
      status: 400,
      code: 'bad-request',
    });
    expect(await refusal({ encryption: key.wish, payload: 'AA==' })).toEqual({
      status: 400,
      code: 'bad-request',
    });
  });

  it('believes no id that the store does not list under the key of the upload', async () => {
    const [one, two] = [await create(), await create()];
    const other = await begin(two.openingCall!, key);
    for (const s3UploadId of ['made-up', other])
      expect(await open(one, s3UploadId)).toMatchObject({
        status: 409,
        problem: { code: 'opening-unknown' },
      });
    expect(await openAtStore(two)).toHaveLength(1);
    const plain = await coordinator.create({ sizeBytes: 6 * MIB, mode: 'multipart' });
    expect(await open(plain, other)).toMatchObject({ status: 400 });
    expect(await open({ ...one, token: two.token }, other)).toMatchObject({
      problem: { code: 'token-invalid' },
    });
  });

  it('of two that were begun takes the first that is told, and ends the other', async () => {
    const created = await create();
    const [first, second] = [await begin(created.openingCall!, key), await begin(created.openingCall!, key)];
    expect(await open(created, second)).toMatchObject({ answer: { state: 'UPLOADING' } });
    expect(await openAtStore(created)).toMatchObject([{ s3UploadId: second }]);
    const late = await begin(created.openingCall!, key);
    for (const s3UploadId of [first, late, second])
      expect(await open(created, s3UploadId)).toMatchObject({ answer: { state: 'UPLOADING' } });
    expect(await openAtStore(created)).toMatchObject([{ s3UploadId: second }]);
  });

  it('goes on with the same key, and not with another', async () => {
    const file = { fingerprint: 'a'.repeat(64) };
    const created = await create(file);
    await open(created, await begin(created.openingCall!, key));
    const again = await create(file);
    expect(again).toMatchObject({ uploadId: created.uploadId, state: 'UPLOADING', resumed: true });
    expect(again.grants[0]?.headers).toMatchObject({ [CUSTOMER_KEY_HEADERS.md5]: key.wish.customerKeyMd5 });
    const other = await create({ ...file, encryption: newKey().wish });
    expect(other).toMatchObject({ resumed: false, state: 'PENDING' });
    expect(other.uploadId).not.toBe(created.uploadId);
    const conflict = { createId: crypto.randomUUID() };
    await create(conflict);
    expect(
      await refusal({ ...conflict, sizeBytes: 6 * MIB, mode: 'multipart', encryption: newKey().wish }),
    ).toMatchObject({ code: 'create-conflict' });
  });

  it('is asked for again by a create whose answer was lost, before and after it was opened', async () => {
    const request = { createId: crypto.randomUUID() };
    const created = await create(request);
    const again = await create(request);
    expect(again).toMatchObject({ uploadId: created.uploadId, state: 'PENDING' });
    await open(again, await begin(again.openingCall!, key));
    expect(await create(request)).toMatchObject({ uploadId: created.uploadId, state: 'UPLOADING' });
  });

  it('leaves nothing open when the upload is cancelled, or its URL is used once more', async () => {
    const cancelled = await create();
    await begin(cancelled.openingCall!, key);
    await coordinator.cancel(cancelled);
    expect(await openAtStore(cancelled)).toEqual([]);

    const created = await create({ sizeBytes: 1000 });
    const { answer: opened } = await open(created, await begin(created.openingCall!, key));
    await sendAll(opened, randomBytes(1000));
    await begin(created.openingCall!, key);
    expect(await coordinator.complete(opened)).toMatchObject({ answer: { state: 'COMPLETED' } });
    await sweep(coordinator.options);
    expect(await openAtStore(created)).toEqual([]);
    expect((await coordinator.read(keyOf(created), key.base64)).byteLength).toBe(1000);
  });

  it('is never asked to travel in the clear', async () => {
    await coordinator.close();
    await start({
      wrapStore: (store) => ({ ...store, locationOf: (name) => `http://store.example/${name}` }),
    });
    expect(await refusal({ encryption: key.wish })).toMatchObject({ code: 'encryption-unsupported' });
  });

  it('is refused where the store takes none that was not signed, and there is no vault', async () => {
    await coordinator.close();
    await start({
      wrapStore: (store) => ({ ...store, profile: { ...store.profile, ssecBlind: false } }),
    });
    expect(await refusal({ encryption: key.wish })).toMatchObject({ code: 'encryption-unsupported' });
  });
});
