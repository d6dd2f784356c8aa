import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateUploadResponse, ProblemCode, UploadStatus } from '@longhaul/protocol';
import type { Clock } from '../../src/index.ts';
import { systemClock } from '../../src/lib/system-clock.ts';
import {
  type CallOptions,
  sendParts,
  startCoordinator,
  type TestCoordinator,
} from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;

let coordinator: TestCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator({ maxSizeBytes: 100 * MIB });
});
afterEach(() => coordinator.close());

it('create refuses what is larger than the store takes, whatever the settings say', async () => {
  const small = await startCoordinator({
    wrapStore: (store) => ({ ...store, profile: { ...store.profile, maxObjectSizeBytes: 50 * MIB } }),
  });
  const create = (sizeBytes: number): ReturnType<TestCoordinator['call']> =>
    small.call('POST', '/v1/uploads', { body: { ...valid(), sizeBytes } });
  expect(await create(50 * MIB)).toMatchObject({ status: 201 });
  expect(await create(50 * MIB + 1)).toMatchObject({ status: 413, problem: { code: 'size-too-large' } });
  await small.close();
});

const valid = () => ({ createId: randomUUID(), name: 'x', sizeBytes: 1 });

describe('create refuses', () => {
  const cases: [string, CallOptions, number, ProblemCode][] = [
    ['malformed JSON', { text: '{"createId":' }, 400, 'bad-request'],
    ['no body', {}, 400, 'bad-request'],
    ['a misspelt member', { body: { ...valid(), sizebytes: 1 } }, 400, 'bad-request'],
    ['a size below zero', { body: { ...valid(), sizeBytes: -1 } }, 400, 'bad-request'],
    ['a createId that is no UUID', { body: { ...valid(), createId: 'x' } }, 400, 'bad-request'],
    [
      'a connector that would leave its folder',
      { body: { ...valid(), connectorId: '../x' } },
      400,
      'bad-request',
    ],
    [
      'a header in the content type',
      { body: { ...valid(), contentType: 'a/b\r\nx: y' } },
      400,
      'bad-request',
    ],
    ['a size over the limit', { body: { ...valid(), sizeBytes: 100 * MIB + 1 } }, 413, 'size-too-large'],
    ['a payload of another size', { body: { ...valid(), payload: 'AAAA' } }, 400, 'payload-mismatch'],
    [
      'a payload over the limit',
      { body: { ...valid(), sizeBytes: 300_000, payload: Buffer.alloc(300_000).toString('base64') } },
      413,
      'request-too-large',
    ],
    ['a body over the limit', { text: ' '.repeat(3 * MIB) }, 413, 'request-too-large'],
    [
      'a reserved metadata name',
      { body: { ...valid(), metadata: { 'node-id': 'x' } } },
      400,
      'invalid-metadata',
    ],
    [
      'a metadata name that no header can carry',
      { body: { ...valid(), metadata: { '-x': 'x' } } },
      400,
      'bad-request',
    ],
    [
      'too much metadata',
      { body: { ...valid(), metadata: { big: 'ü'.repeat(1000) } } },
      400,
      'invalid-metadata',
    ],
  ];
  it.each(cases)('%s', async (_what, request, status, code) => {
    const refused = await coordinator.call('POST', '/v1/uploads', request);
    expect(refused).toMatchObject({
      status,
      problem: { code, status, type: `urn:longhaul:problem:${code}` },
    });
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(refused.problem.detail.length).toBeGreaterThan(10);
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
  });

  it.each([
    [{ createid: '1' }, 'createId: is missing'],
    [{ ...valid(), createId: 'x' }, 'createId: must be a UUID'],
    [{ ...valid(), sizeBytes: 1.5 }, 'sizeBytes: must be a whole number'],
    [{ ...valid(), sizeBytes: '1' }, 'sizeBytes: must be number'],
    [{ ...valid(), colour: 'red' }, 'colour: is not known here'],
  ])('%j and says what is wrong in words', async (body, words) => {
    const { problem } = await coordinator.call('POST', '/v1/uploads', { body });
    expect(problem.detail).toContain(words);
  });

  it('a host that is not this machine, while there is no authorize hook', async () => {
    const response = await coordinator.app.request('http://rebound.example/v1/uploads', {
      method: 'POST',
      body: JSON.stringify(valid()),
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'unauthorized' });
  });

  it('encryption that the store does not do', async () => {
    const encrypted = { encryption: { mode: 'sse-s3' } } as const;
    const plain = await startCoordinator({
      wrapStore: (store) => ({ ...store, profile: { ...store.profile, encryption: [] } }),
    });
    for (const body of [
      { ...valid(), ...encrypted, mode: 'multipart' },
      { ...valid(), ...encrypted, payload: 'AA==' },
    ]) {
      const refused = await plain.call('POST', '/v1/uploads', { body });
      expect(refused).toMatchObject({ status: 400, problem: { code: 'encryption-unsupported' } });
    }
    await plain.close();
  });

  it('says what was wrong without repeating what was sent', async () => {
    const { problem } = await coordinator.call('POST', '/v1/uploads', {
      body: { ...valid(), encryption: { mode: 'sse-c', customerKey: 'canary-secret' } },
    });
    expect(problem.code).toBe('bad-request');
    expect(JSON.stringify(problem)).not.toContain('canary-secret');
  });
});

describe('parts refuses', () => {
  let upload: CreateUploadResponse;
  beforeEach(async () => {
    upload = await coordinator.create({ sizeBytes: 11 * MIB, mode: 'multipart', partSizeBytes: 5 * MIB });
  });

  it.each([
    ['a part number above the plan', { partNumber: 4, sizeBytes: MIB }, 400, 'part-number-out-of-range'],
    ['a part number below one', { partNumber: 0, sizeBytes: MIB }, 400, 'bad-request'],
    ['a part of another size', { partNumber: 3, sizeBytes: 5 * MIB }, 400, 'part-size-mismatch'],
  ] as const)('%s, to sign or to report, and writes nothing down', async (_what, part, status, code) => {
    const good = { partNumber: 1, sizeBytes: 5 * MIB, etag: '"e"' };
    const reported = await coordinator.parts(upload, { report: [good, { ...part, etag: '"e"' }] });
    expect(reported).toMatchObject({ status, problem: { code } });
    expect(await coordinator.parts(upload, { report: [good], sign: [part] })).toMatchObject({
      status,
      problem: { code },
    });
    const { answer } = await coordinator.call<UploadStatus>('GET', `/v1/uploads/${upload.uploadId}`, {
      token: upload.token,
    });
    expect(answer.receivedParts).toEqual([]);
  });

  it('a token that is missing, forged, or of another upload', async () => {
    const other = await coordinator.create({ sizeBytes: 11 * MIB, mode: 'multipart' });
    const path = `/v1/uploads/${upload.uploadId}/parts`;
    const body = { report: [], sign: [] };
    expect(await coordinator.call('POST', path, { body })).toMatchObject({
      status: 401,
      problem: { code: 'token-missing' },
    });
    const [payload] = upload.token.split('.');
    const forged = [
      other.token,
      'x',
      `${upload.token}x`,
      `${upload.token}.x`,
      `${upload.token}=`,
      `${payload}.${other.token.split('.')[1]}`,
    ];
    for (const token of forged) {
      expect(await coordinator.call('POST', path, { body, token })).toMatchObject({
        status: 403,
        problem: { code: 'token-invalid' },
      });
      expect(await coordinator.call('DELETE', `/v1/uploads/${upload.uploadId}`, { token })).toMatchObject({
        status: 403,
      });
    }
    expect((await coordinator.call('POST', path, { body, token: upload.token })).status).toBe(200);
  });

  it('a report for a finished upload', async () => {
    const content = randomBytes(11 * MIB);
    await sendParts(coordinator, upload, content);
    expect((await coordinator.complete(upload)).status).toBe(200);
    const late = await coordinator.parts(upload, {
      report: [{ partNumber: 1, sizeBytes: 5 * MIB, etag: '"e"' }],
    });
    expect(late).toMatchObject({ status: 409, problem: { code: 'upload-completed' } });
  });
});

describe('tokens', () => {
  it('expire, and are renewed by a create with the same createId and by use after half their life', async () => {
    let nowEpochMs = Date.now();
    const clock: Clock = { ...systemClock, nowEpochMs: () => nowEpochMs };
    const timed = await startCoordinator({ clock, tokenLifetimeSeconds: 100 });
    const request = { createId: randomUUID(), sizeBytes: 6 * MIB, mode: 'multipart' } as const;
    const upload = await timed.create(request);
    expect((await timed.parts(upload, {})).answer.token).toBeUndefined();
    nowEpochMs += 60_000;
    const fresh = (await timed.parts(upload, {})).answer.token;
    nowEpochMs += 60_000;
    expect(await timed.parts(upload, {})).toMatchObject({ status: 401, problem: { code: 'token-expired' } });
    expect((await timed.parts({ ...upload, token: fresh! }, {})).status).toBe(200);
    expect((await timed.parts(await timed.create(request), {})).status).toBe(200);
    await timed.close();
  });

  it('of an older key are good while that key is kept', async () => {
    const [newKey, oldKey] = ['n'.repeat(32), 'o'.repeat(32)];
    const catalogOf = (tokenKeys: string[]) => startCoordinator({ tokenKeys });
    const before = await catalogOf([oldKey]);
    const after = await catalogOf([newKey, oldKey]);
    const strict = await catalogOf([newKey]);
    const { uploadId, token } = await before.create({ sizeBytes: 6 * MIB, mode: 'multipart' });
    const probe = async (c: TestCoordinator) =>
      (await c.call('GET', `/v1/uploads/${uploadId}`, { token })).problem.code;
    // The upload lives in the first coordinator's catalog alone, so a good token gets as far as "not found".
    expect(await probe(after)).toBe('upload-not-found');
    expect(await probe(strict)).toBe('token-invalid');
    await Promise.all([before.close(), after.close(), strict.close()]);
  });
});

describe('elsewhere', () => {
  it('answers an unknown route with a problem', async () => {
    expect(await coordinator.call('GET', '/v2/uploads')).toMatchObject({
      status: 404,
      problem: { code: 'route-not-found' },
    });
  });

  it('lets pages of loopback hosts call, or those it was told of, and no others', async () => {
    const preflight = async (c: TestCoordinator, origin: string) => {
      const response = await c.app.request('http://localhost/v1/uploads', {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'longhaul-token',
        },
      });
      return response.headers.get('access-control-allow-origin');
    };
    expect(await preflight(coordinator, 'http://localhost:5173')).toBe('http://localhost:5173');
    expect(await preflight(coordinator, 'https://evil.example')).toBeNull();
    const listed = await startCoordinator({ corsOrigins: ['https://app.example'] });
    expect(await preflight(listed, 'https://app.example')).toBe('https://app.example');
    expect(await preflight(listed, 'http://localhost:5173')).toBeNull();
    await listed.close();
  });

  it('refuses to be made with settings out of range, naming all of them', async () => {
    await expect(
      startCoordinator({ inlineMaxBytes: -1, tokenKeys: ['short'], keyTemplate: 'x' }),
    ).rejects.toThrow(/inlineMaxBytes.*keyTemplate.*tokenKeys/);
  });
});
