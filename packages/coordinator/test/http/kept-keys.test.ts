/** Keys of customers that the coordinator keeps for a while, because its store takes none that was not signed. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  type CreateUploadRequest,
  type CreateUploadResponse,
  CUSTOMER_KEY_HEADERS,
} from '@longhaul/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createListenerSink, type ObjectStore, relay, sweep } from '../../src/index.ts';
import {
  createEnvelopeSealer,
  createKeyVault,
  type KeyAuditEvent,
  type KeyVault,
  KeyVaultError,
  readMasterKeys,
} from '../../src/key-vault.ts';
import { formsOf } from '../../src/lib/testing/secret-forms.ts';
import { createSqliteStore, type SqliteStore } from '../../src/sqlite.ts';
import { put, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;
const bytes = randomBytes(32);
const customerKey = bytes.toString('base64');
const customerKeyMd5 = createHash('md5').update(bytes).digest('base64');
const encryption = { mode: 'sse-c', customerKeyMd5, customerKey } as const;
const keyHeader = { [CUSTOMER_KEY_HEADERS.key]: customerKey };
const use = { owner: 'local', purpose: 'end' } as const;

let coordinator: TestCoordinator;
let memory: SqliteStore;
let vault: KeyVault;
let audit: KeyAuditEvent[];
let events: unknown[];
/** What the store was asked with a key. */
let keyed: string[];

beforeEach(async () => {
  [audit, events, keyed] = [[], [], []];
  memory = createSqliteStore({ path: ':memory:' });
  await memory.catalog.migrate();
  const masterKeys = readMasterKeys(`test:${randomBytes(32).toString('base64')}`);
  vault = createKeyVault({
    sealer: createEnvelopeSealer({ masterKeys }),
    storage: memory.sealedKeys,
    onAudit: (event) => void audit.push(event),
  });
  await start({ keyVault: vault });
});
afterEach(() => coordinator.close());

async function start(options: { readonly keyVault?: KeyVault }): Promise<void> {
  const sinks = [createListenerSink((event) => void events.push(event))];
  coordinator = await startCoordinator({ ...memory, ...options, sinks, wrapStore: withSignedKeys });
}

/** A store that takes no key that was not signed, and shows nothing without it. */
function withSignedKeys(store: ObjectStore): ObjectStore {
  const note = (call: string, { customerKey: key }: { customerKey?: unknown }): void => {
    if (key !== undefined) keyed.push(call);
  };
  return {
    ...store,
    profile: { ...store.profile, ssecBlind: false },
    createMultipartUpload: (input) => (note('create', input), store.createMultipartUpload(input)),
    signPart: (input) => (note('sign', input), store.signPart(input)),
    signPut: (input) => (note('sign', input), store.signPut(input)),
    completeMultipartUpload: (input) => (note('complete', input), store.completeMultipartUpload(input)),
    headObject: (input) => (note('head', input), store.headObject(input)),
  };
}

const create = async (request: Partial<CreateUploadRequest> = {}): Promise<CreateUploadResponse> =>
  await coordinator.create({
    sizeBytes: 6 * MIB,
    partSizeBytes: 5 * MIB,
    mode: 'multipart',
    encryption,
    ...request,
  });

const refusalOf = async (request: object) => {
  const body = { createId: randomUUID(), name: 'a', sizeBytes: 1, ...request };
  const response = await coordinator.app.request('http://localhost/v1/uploads', {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as { code?: string; detail?: string }) };
};

const objectKeyOf = ({ uploadId }: { uploadId: string }): string => `connectors/default/${uploadId}`;

async function sendAll(upload: CreateUploadResponse, content: Uint8Array): Promise<void> {
  for (const grant of upload.grants) {
    const from = (grant.partNumber - 1) * upload.plan.partSizeBytes;
    const body = content.subarray(from, from + upload.plan.partSizeBytes);
    expect((await put(grant, body)).ok).toBe(false);
    const response = await put(grant, body, keyHeader);
    const etag = response.headers.get('etag') ?? '';
    const receipt = { partNumber: grant.partNumber, sizeBytes: body.byteLength, etag };
    expect(await coordinator.parts(upload, { report: [receipt] })).toMatchObject({ status: 200 });
  }
}

describe('a key that the coordinator keeps', () => {
  it('is used by every call that takes it, and forgotten at the end', async () => {
    const upload = await create();
    expect(upload).toMatchObject({ state: 'UPLOADING', mode: 'multipart' });
    expect(upload).not.toHaveProperty('openingCall');
    const content = randomBytes(6 * MIB);
    await sendAll(upload, content);
    const { answer } = await coordinator.complete(upload);
    expect(answer).toMatchObject({ state: 'COMPLETED', result: { encryption: { mode: 'sse-c' } } });
    expect(keyed).toEqual(['create', 'sign', 'sign', 'complete', 'head']);
    expect(Buffer.compare(await coordinator.read(objectKeyOf(upload), customerKey), content)).toBe(0);
    await expect(coordinator.read(objectKeyOf(upload))).rejects.toThrow();
    const { uploadId } = upload;
    expect(audit.map(({ deed, purpose, outcome }) => `${deed} ${purpose} ${outcome}`)).toEqual([
      'put create done',
      'get create done',
      'get sign done',
      'get complete done',
      'get prove done',
      'delete end done',
    ]);
    expect(audit.every((event) => event.uploadId === uploadId && event.owner === 'local')).toBe(true);
    expect(await vault.get(uploadId, use)).toBeUndefined();
  });

  it('is used for a single PUT as well', async () => {
    const upload = await create({ sizeBytes: 1000, mode: 'single' });
    const content = randomBytes(1000);
    expect((await put(upload.grants[0]!, content)).ok).toBe(false);
    expect((await put(upload.grants[0]!, content, keyHeader)).status).toBe(200);
    expect(await coordinator.complete(upload)).toMatchObject({ answer: { state: 'COMPLETED' } });
    expect(keyed).toEqual(['sign', 'head']);
    expect(await vault.get(upload.uploadId, use)).toBeUndefined();
  });

  it('stands in no answer, no URL, no event and no audit', async () => {
    const upload = await create();
    await sendAll(upload, randomBytes(6 * MIB));
    const { answer } = await coordinator.complete(upload);
    await relay(coordinator.options);
    expect(events).toHaveLength(1);
    const said = JSON.stringify([upload, answer, events, audit]);
    for (const [form, text] of formsOf(bytes)) expect(said.includes(text), form).toBe(false);
    expect(upload.grants[0]!.headers).not.toHaveProperty(CUSTOMER_KEY_HEADERS.key);
  });

  it('is forgotten when the upload is cancelled', async () => {
    const upload = await create();
    await coordinator.cancel(upload);
    expect(await vault.get(upload.uploadId, use)).toBeUndefined();
    expect(audit.some(({ deed }) => deed === 'delete')).toBe(true);
  });

  it('comes back with the same create once it was forgotten', async () => {
    const createId = randomUUID();
    const upload = await create({ createId });
    await sendAll(upload, randomBytes(6 * MIB));
    await vault.delete(upload.uploadId, use);
    const sign = [{ partNumber: 1, sizeBytes: 5 * MIB }];
    for (const refused of [await coordinator.parts(upload, { sign }), await coordinator.complete(upload)]) {
      expect(refused).toMatchObject({
        status: 400,
        problem: { code: 'customer-key-needed', uploadId: upload.uploadId },
      });
    }
    expect(await create({ createId })).toMatchObject({ uploadId: upload.uploadId, resumed: true });
    expect(await coordinator.parts(upload, { sign })).toMatchObject({ status: 200 });
    expect(await coordinator.complete(upload)).toMatchObject({ answer: { state: 'COMPLETED' } });
  });

  it('is not needed to see that an attempt has built the object', async () => {
    const upload = await create();
    await sendAll(upload, randomBytes(6 * MIB));
    const { objectStore, catalog } = coordinator.options;
    const { s3Key: key, s3UploadId = '' } = (await catalog.find(upload.uploadId))!;
    const parts = (await objectStore.listParts({ key, s3UploadId })) ?? [];
    await catalog.beginCompletion(upload.uploadId, { partsDigest: '', redriveAfterMs: 0 });
    await objectStore.completeMultipartUpload({ key, s3UploadId, parts, sizeBytes: 6 * MIB });
    await vault.delete(upload.uploadId, use);
    await sweep(coordinator.options);
    expect(await catalog.find(upload.uploadId)).toMatchObject({ state: 'COMPLETED' });
  });

  it('is refused where it is missing, and with the MD5 of another', async () => {
    const bare = { mode: 'sse-c', customerKeyMd5 };
    expect(await refusalOf({ encryption: bare })).toMatchObject({ status: 400, code: 'customer-key-needed' });
    const wrong = { ...encryption, customerKey: randomBytes(32).toString('base64') };
    expect(await refusalOf({ encryption: wrong })).toMatchObject({
      status: 400,
      code: 'customer-key-mismatch',
    });
    expect(audit).toEqual([]);
  });

  it('is not believed by a vault that is away, and nothing is begun at the store', async () => {
    const gone = (): Promise<never> =>
      Promise.reject(new KeyVaultError('unreachable', 'no answer of vault.internal'));
    await coordinator.close();
    memory = createSqliteStore({ path: ':memory:' });
    await memory.catalog.migrate();
    await start({ keyVault: { put: gone, get: gone, delete: gone } });
    const refused = await refusalOf({ encryption, mode: 'multipart', sizeBytes: 6 * MIB });
    expect(refused).toMatchObject({ status: 503, code: 'key-vault-unavailable' });
    expect(JSON.stringify(refused)).not.toContain('vault.internal');
    expect(keyed).toEqual([]);
  });
});

describe('the way of a key to the coordinator', () => {
  const owned = { authorize: () => 'an owner' };
  const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> => {
    const body = JSON.stringify({
      createId: randomUUID(),
      name: 'a',
      sizeBytes: 1,
      encryption,
      mode: 'multipart',
    });
    return (await coordinator.app.request(url, { method: 'POST', headers, body })).status;
  };

  it('is TLS, its own or that of a proxy before it, or loopback', async () => {
    await coordinator.close();
    memory = createSqliteStore({ path: ':memory:' });
    await memory.catalog.migrate();
    coordinator = await startCoordinator({
      ...memory,
      ...owned,
      keyVault: createKeyVault({
        sealer: createEnvelopeSealer({ masterKeys: readMasterKeys(`a:${customerKey}`) }),
        storage: memory.sealedKeys,
      }),
      wrapStore: withSignedKeys,
    });
    expect(await statusOf('http://uploads.example.com/v1/uploads')).toBe(400);
    expect(await statusOf('http://uploads.example.com/v1/uploads', { 'x-forwarded-proto': 'http' })).toBe(
      400,
    );
    expect(await statusOf('http://uploads.example.com/v1/uploads', { 'x-forwarded-proto': 'https' })).toBe(
      201,
    );
    expect(await statusOf('https://uploads.example.com/v1/uploads')).toBe(201);
    expect(await statusOf('http://127.0.0.1/v1/uploads')).toBe(201);
  });
});
