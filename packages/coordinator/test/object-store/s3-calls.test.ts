import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/lib/ports/object-store.ts';
import {
  awsProfile,
  createS3ObjectStore,
  type S3ObjectStoreOptions,
  storeProfiles,
} from '../../src/s3-object-store.ts';
import { type Answer, errorXml, openRawS3, type RawS3, say } from './raw-s3-server.ts';

const OBJECT = { key: 'a/b', contentType: 'text/plain', metadata: { 'node-id': 'n' } };
const REF = { key: 'a/b', s3UploadId: 'u' };
const CREATED = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>';

let raw: RawS3;
afterEach(async () => {
  await raw?.close();
});

async function open(answer: Answer, options?: Partial<S3ObjectStoreOptions>): Promise<ObjectStore> {
  raw = await openRawS3(answer, options);
  return raw.objectStore;
}

describe('CreateMultipartUpload', () => {
  it('tells the end of an upload by the profile where the store has a rule of its own and does not say so', async () => {
    const objectStore = await open(say(200, CREATED), { profile: storeProfiles.r2 });
    const { abortAtEpochMs = 0 } = await objectStore.createMultipartUpload(OBJECT);
    expect((abortAtEpochMs - Date.now()) / 86_400_000).toBeCloseTo(7, 2);
  });

  it('says what cannot be said later, once', async () => {
    const objectStore = await open(
      say(200, CREATED, { 'x-amz-abort-date': 'Fri, 27 Nov 2026 00:00:00 GMT' }),
      {
        profile: awsProfile,
      },
    );
    const created = await objectStore.createMultipartUpload({
      ...OBJECT,
      checksumAlgorithm: 'CRC64NVME',
      encryption: { mode: 'sse-kms', kmsKeyId: 'key-1' },
      objectOptions: {
        storageClass: 'STANDARD_IA',
        tags: { team: 'a+b', year: '20 26' },
        cacheControl: 'no-cache',
        contentDisposition: 'attachment',
        contentEncoding: 'gzip',
        objectLock: { mode: 'GOVERNANCE', retainUntil: '2030-01-01T00:00:00Z', legalHold: false },
      },
    });
    expect(created).toEqual({ s3UploadId: 'u', abortAtEpochMs: Date.UTC(2026, 10, 27) });
    expect(raw.seen[0]?.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-amz-meta-node-id': 'n',
      'x-amz-checksum-algorithm': 'CRC64NVME',
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-tagging': 'team=a%2Bb&year=20%2026',
      'cache-control': 'no-cache',
      'content-disposition': 'attachment',
      'content-encoding': 'gzip',
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': '2030-01-01T00:00:00Z',
      'x-amz-object-lock-legal-hold': 'OFF',
    });
  });

  it.each<[string, Answer]>([
    ['500', say(500, errorXml('InternalError'))],
    ['no answer', () => {}],
    ['an answer without an id', say(200, '<html></html>')],
  ])('is not sent again after %s', async (_name, answer) => {
    const objectStore = await open(answer, { createTimeoutMs: 200 });
    await expect(objectStore.createMultipartUpload(OBJECT)).rejects.toMatchObject({
      name: 'ObjectStoreError',
      kind: 'unreachable',
    });
    expect(raw.seen).toHaveLength(1);
  });
});

describe('PutObject', () => {
  const put = { ...OBJECT, body: new TextEncoder().encode('123456789') };

  it('sends its MD5, its condition and its encryption', async () => {
    const objectStore = await open(say(200, '', { etag: '"e"' }), { profile: awsProfile });
    const outcome = await objectStore.putObject({ ...put, encryption: { mode: 'sse-s3' } });
    expect(outcome).toEqual({ kind: 'stored', etag: '"e"' });
    expect(raw.seen[0]?.headers).toMatchObject({
      'content-md5': 'JfnnlDI7RTiF9RgfG2JNCw==',
      'if-none-match': '*',
      'x-amz-server-side-encryption': 'AES256',
    });
    expect(raw.seen[0]?.headers).not.toHaveProperty('x-amz-checksum-crc32');
  });

  it.each<[string, Answer, object]>([
    ['412', say(412, errorXml('PreconditionFailed')), { kind: 'exists' }],
    ['409', say(409, errorXml('ConditionalRequestConflict')), { kind: 'unknown' }],
    ['500', say(500, errorXml('InternalError')), { kind: 'unknown' }],
    ['503', say(503, errorXml('SlowDown')), { kind: 'unknown' }],
    ['no ETag', say(200), { kind: 'unknown' }],
    ['a cut', (response) => response.destroy(), { kind: 'unknown' }],
  ])('takes %s for what it is', async (_name, answer, outcome) => {
    const objectStore = await open(answer, { maxAttempts: 1 });
    expect(await objectStore.putObject(put)).toMatchObject(outcome);
  });

  it('throws on a refusal', async () => {
    const objectStore = await open(say(403, errorXml('AccessDenied')));
    await expect(objectStore.putObject(put)).rejects.toMatchObject({
      kind: 'refused',
      s3Code: 'AccessDenied',
    });
  });
});

describe('calls that are safe to repeat', () => {
  it('are sent three times', async () => {
    const objectStore = await open(say(500, errorXml('InternalError')));
    await expect(objectStore.listParts(REF)).rejects.toMatchObject({
      kind: 'unreachable',
      s3Code: 'InternalError',
    });
    expect(raw.seen).toHaveLength(3);
  });

  it('go through when the store recovers', async () => {
    const objectStore = await open((response, request) => {
      const answer = raw.seen.length < 3 ? say(500) : say(200, '<ListPartsResult></ListPartsResult>');
      answer(response, request);
    });
    expect(await objectStore.listParts(REF)).toEqual([]);
  });

  it.each<[string, Answer]>([
    ['before the answer begins', () => {}],
    [
      'in the middle of it',
      (response) => {
        response.writeHead(200);
        response.write('<ListPartsResult>');
      },
    ],
  ])('are ended when the store falls silent %s', async (_name, answer) => {
    const objectStore = await open(answer, { readTimeoutMs: 100, maxAttempts: 2 });
    await expect(objectStore.listParts(REF)).rejects.toMatchObject({ kind: 'unreachable' });
    expect(raw.seen).toHaveLength(2);
  });
});

describe('listings', () => {
  it('end when a store gives the same page for ever', async () => {
    const page = '<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>';
    const objectStore = await open(say(200, `<ListPartsResult>${page}</ListPartsResult>`));
    await expect(objectStore.listParts(REF)).rejects.toMatchObject({ kind: 'unreachable' });
    expect(raw.seen).toHaveLength(2);
  });

  it('end when a store lists the same uploads for ever', async () => {
    const page =
      '<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>';
    const objectStore = await open(
      say(200, `<ListMultipartUploadsResult>${page}</ListMultipartUploadsResult>`),
    );
    await expect(objectStore.listMultipartUploads({ prefix: '' })).rejects.toMatchObject({
      kind: 'unreachable',
    });
    expect(raw.seen).toHaveLength(2);
  });

  it.each(['NoSuchUpload', 'NoSuchKey'])('take %s for an upload that is gone', async (code) => {
    const objectStore = await open(say(404, errorXml(code)));
    expect(await objectStore.listParts(REF)).toBeUndefined();
    await objectStore.abortMultipartUpload(REF);
  });

  it('do not take a bucket that is gone for an upload that is gone', async () => {
    const objectStore = await open(say(404, errorXml('NoSuchBucket')));
    const refused = { kind: 'refused', s3Code: 'NoSuchBucket' };
    await expect(objectStore.listParts(REF)).rejects.toMatchObject(refused);
    await expect(objectStore.abortMultipartUpload(REF)).rejects.toMatchObject(refused);
  });
});

describe('errors', () => {
  it.each<[string, Answer, object]>([
    ['503', say(503, errorXml('ServiceUnavailable')), { kind: 'throttled', s3Code: 'ServiceUnavailable' }],
    ['429', say(429), { kind: 'throttled', s3Code: undefined }],
    ['403', say(403, errorXml('AccessDenied')), { kind: 'refused', s3Code: 'AccessDenied' }],
    ['a page of a proxy', say(403, '<html>no</html>'), { kind: 'refused', s3Code: undefined }],
    ['RequestTimeout', say(400, errorXml('RequestTimeout')), { kind: 'unreachable' }],
    ['500 without a body', say(500), { kind: 'unreachable', s3Code: undefined }],
  ])('tell %s', async (_name, answer, error) => {
    const objectStore = await open(answer, { maxAttempts: 1 });
    const thrown = objectStore.listMultipartUploads({ prefix: 'p/' });
    await expect(thrown).rejects.toMatchObject({ name: 'ObjectStoreError', ...error });
    await expect(thrown).rejects.toThrow(/^ListMultipartUploads of s3:\/\/bucket\/p\/ (was|got) /);
  });

  it('say which call met nobody, and what to look at', async () => {
    const objectStore = await open(say(200), { maxAttempts: 1 });
    await raw.close();
    await expect(objectStore.ping()).rejects.toThrow(
      /HeadBucket of s3:\/\/bucket got no usable answer: ECONNREFUSED .*check the endpoint/,
    );
    await expect(objectStore.ping()).rejects.toMatchObject({ kind: 'unreachable' });
  });

  it('say that there are no credentials', async () => {
    const objectStore = await open(say(200), {
      credentials: async () => {
        throw Object.assign(new Error('nothing found'), { name: 'CredentialsProviderError' });
      },
    });
    await expect(objectStore.ping()).rejects.toMatchObject({ kind: 'unsent' });
    const part = { ...REF, partNumber: 1, sizeBytes: 1, expiresInSeconds: 60 };
    await expect(objectStore.signPart(part)).rejects.toMatchObject({ kind: 'unsent' });
    expect(raw.seen).toEqual([]);
  });

  it('keep signatures and keys to themselves, however deep one looks', async () => {
    const objectStore = await open((response, request) => {
      const authorization = request.headers.authorization ?? 'none';
      const echo = `<StringToSign>${authorization}</StringToSign><SignatureProvided>${authorization}</SignatureProvided>`;
      say(403, errorXml('SignatureDoesNotMatch', echo))(response, request);
    });
    const error: unknown = await objectStore.listParts(REF).catch((thrown: unknown) => thrown);
    expect(raw.seen[0]?.headers.authorization).toMatch(/Signature=[0-9a-f]{64}/);
    expect(error).toMatchObject({ kind: 'refused', s3Code: 'SignatureDoesNotMatch' });
    const everything = inspect(error, { depth: 20, showHidden: true });
    expect(everything).toContain('check the secret key');
    expect(everything).not.toMatch(/Signature=|AWS4-HMAC|canary-secret-key/);
  });
});

describe('a clock that is wrong', () => {
  it('is put right in URLs once the store has told the time', async () => {
    const storeTime = new Date(Date.now() + 3 * 3600 * 1000);
    const objectStore = await open((response, request) => {
      const answer = raw.seen.length > 1 ? say(200) : say(403, errorXml('RequestTimeTooSkewed'));
      response.setHeader('date', storeTime.toUTCString());
      answer(response, request);
    });
    await objectStore.ping();
    const { url } = await objectStore.signPart({ ...REF, partNumber: 1, sizeBytes: 1, expiresInSeconds: 60 });
    const date = new URL(url).searchParams.get('X-Amz-Date') ?? '';
    const signedAt = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
    expect(Math.abs(signedAt - storeTime.getTime())).toBeLessThan(3600 * 1000);
  });
});

describe('options', () => {
  it.each<[string, object]>([
    ['endpoint', { endpoint: 's3.example.com' }],
    ['publicEndpoint', { publicEndpoint: 'ftp://s3.example.com' }],
    ['readTimeoutMs', { readTimeoutMs: 0 }],
    ['maxAttempts', { maxAttempts: 1.5 }],
    ['profile', { profile: 'local-s3' }],
  ])('name the one that makes no sense: %s', (name, options) => {
    const base = { bucket: 'bucket', region: 'us-east-1' };
    expect(() => createS3ObjectStore({ ...base, ...options })).toThrow(TypeError);
    expect(() => createS3ObjectStore({ ...base, ...options })).toThrow(name);
  });

  it.each<[string, Record<string, string>]>([
    ['a line break', { name: 'a\r\nx-amz-acl: public-read' }],
    ['another script', { name: 'ä' }],
    ['an upper-case name', { Name: 'a' }],
    ['a colon in the name', { 'a:b': 'a' }],
  ])('metadata with %s never reaches a header', async (_name, metadata) => {
    const objectStore = await open(say(200, CREATED));
    const object = { ...OBJECT, metadata };
    const part = { sizeBytes: 1, expiresInSeconds: 60 };
    await expect(objectStore.createMultipartUpload(object)).rejects.toThrow(TypeError);
    await expect(objectStore.putObject({ ...object, body: new Uint8Array(1) })).rejects.toThrow(TypeError);
    await expect(objectStore.signPut({ ...object, ...part })).rejects.toThrow(TypeError);
    expect(raw.seen).toEqual([]);
  });
});
