import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import type { UploadStatus } from '@longhaul/protocol';
import { CatalogError, ObjectStoreError, StateStoreError } from '../../src/index.ts';
import type { CompleteOutcome } from '../../src/lib/ports/object-store.ts';
import { createS3ObjectStore, localS3Profile } from '../../src/s3-object-store.ts';
import {
  type CallOptions,
  sendParts,
  startCoordinator,
  type TestCoordinator,
} from '../support/start-coordinator.ts';

// Characters that every encoding writes in another way.
const CANARY = 'canary"/+\\é &secret that is long enough';
const FORMS = [
  CANARY,
  JSON.stringify(CANARY).slice(1, -1),
  encodeURIComponent(CANARY),
  Buffer.from(CANARY).toString('base64').replace(/=+$/, ''),
  Buffer.from(CANARY).toString('base64url'),
  Buffer.from(CANARY).toString('hex'),
];

let coordinator: TestCoordinator | undefined;
afterEach(() => coordinator?.close());

/** Everything that was said: bodies of answers, and the log in more depth than anybody prints it. */
const said: string[] = [];
const log = (error: unknown): void => void said.push(inspect(error, { depth: 12, showHidden: true }));

function expectNoCanary(): void {
  expect(said.length).toBeGreaterThan(0);
  for (const text of said.splice(0)) {
    for (const form of FORMS) expect(text).not.toContain(form);
    expect(text).not.toContain('canary');
  }
}

const create = { createId: randomUUID(), name: 'x', sizeBytes: 6 * 1024 ** 2, mode: 'multipart' };

it.each<[string, CallOptions & { path?: string; method?: string }]>([
  ['in a member that is not known', { body: { ...create, customerKey: CANARY } }],
  ['in encryption', { body: { ...create, encryption: { mode: 'sse-c', customerKey: CANARY } } }],
  ['as a digest', { body: { ...create, checksum: { algorithm: 'MD5', value: CANARY } } }],
  ['as a createId', { body: { ...create, createId: CANARY } }],
  ['as a value of metadata of another type', { body: { ...create, metadata: { a: [CANARY] } } }],
  ['in a payload', { body: { ...create, payload: Buffer.from(CANARY).toString('base64') } }],
  ['in what is no JSON', { text: CANARY }],
  ['as a token', { token: encodeURIComponent(CANARY), path: `/v1/uploads/${randomUUID()}/complete` }],
  [
    'as a token in a batch',
    { body: { uploads: [{ uploadId: 'x', token: CANARY }] }, path: '/v1/uploads/batch/complete' },
  ],
  ['in a query', { path: `/v1/limits?size=${encodeURIComponent(CANARY)}`, method: 'GET' }],
])('a secret that a client put %s is not said again', async (_where, { path, method, ...request }) => {
  coordinator = await startCoordinator({ onError: log });
  const { answer } = await coordinator.call(method ?? 'POST', path ?? '/v1/uploads', request);
  said.push(JSON.stringify(answer));
  expectNoCanary();
});

it('what signs tokens and requests is not said when the store refuses it', async () => {
  coordinator = await startCoordinator({ tokenKeys: [CANARY], onError: log });
  const endpoint = new URL(coordinator.objectStore.locationOf('x')).origin;
  const refused = createS3ObjectStore({
    bucket: 'uploads',
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    profile: localS3Profile,
    credentials: {
      accessKeyId: 'test-access-key',
      secretAccessKey: CANARY,
      sessionToken: encodeURIComponent(CANARY),
    },
  });
  const misled = await startCoordinator({ tokenKeys: [CANARY], onError: log, objectStore: refused });
  const created = await misled.call('POST', '/v1/uploads', { body: create });
  expect(created).toMatchObject({ status: 502, problem: { code: 'store-refused' } });
  const ready = await misled.call('GET', '/readyz');
  expect(ready.status).toBe(503);
  said.push(JSON.stringify([created.answer, ready.answer]));
  expect(said.length).toBeGreaterThan(2);
  expectNoCanary();
  refused.close();
  await misled.close();
});

it.each([
  [
    new ObjectStoreError('refused', `${CANARY} is not authorized`, { s3Code: 'AccessDenied' }),
    502,
    'AccessDenied',
  ],
  [new ObjectStoreError('unreachable', `connect ECONNREFUSED ${CANARY}`), 503, undefined],
  [new CatalogError(CANARY), 503, undefined],
  [new StateStoreError(CANARY), 503, undefined],
  [new Error(CANARY), 500, undefined],
])(
  'what lies behind the coordinator speaks to its log, not to its clients: %s',
  async (error, status, s3Code) => {
    const heard: unknown[] = [];
    coordinator = await startCoordinator({
      onError: (heardError) => heard.push(heardError),
      wrapStore: (store) => ({ ...store, createMultipartUpload: () => Promise.reject(error) }),
    });
    const {
      answer,
      problem,
      status: answered,
    } = await coordinator.call('POST', '/v1/uploads', { body: create });
    expect(answered).toBe(status);
    expect(problem.s3Code).toBe(s3Code);
    said.push(JSON.stringify(answer));
    expectNoCanary();
    expect(heard).toEqual([error]);
  },
);

const ITS_WORDS = 'User: arn:aws:iam::123456789012:role/inner at 10.0.0.5 is not authorized';

it.each<[string, CompleteOutcome, string]>([
  ['a refusal', { kind: 'refused', s3Code: 'AccessDenied', message: ITS_WORDS }, 'AccessDenied'],
  [
    'an answer that tells nothing',
    { kind: 'unknown', reason: 'no answer, 10.0.0.5' },
    'could not be completed',
  ],
  ['an error', { kind: 'unknown', reason: `InternalError (HTTP 500) ${ITS_WORDS}` }, 'InternalError'],
])('the words of the store are not said to a client, after %s to complete', async (_what, answer, code) => {
  coordinator = await startCoordinator({
    wrapStore: (store) => ({ ...store, completeMultipartUpload: async () => answer }),
  });
  const content = Buffer.alloc(6 * 1024 ** 2);
  const upload = await coordinator.create({ sizeBytes: content.byteLength, mode: 'multipart' });
  await sendParts(coordinator, upload, content);
  const completed = await coordinator.complete(upload);
  const path = `/v1/uploads/${upload.uploadId}`;
  const status = await coordinator.call<UploadStatus>('GET', path, { token: upload.token });
  expect(JSON.stringify([completed.answer, status.answer])).not.toMatch(/123456789012|10\.0\.0\.5/);
  expect(status.answer.lastError).toContain(code);
});
