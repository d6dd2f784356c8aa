import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketCorsCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createLocalS3 } from '../src/index.ts';
import type { TestServer } from './test-server.ts';
import { BUCKET, CREDENTIALS, STORAGE_KINDS, errorCode, startServer } from './test-server.ts';

describe.each(STORAGE_KINDS)('buckets in %s storage', (kind) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(kind, { cors: { origins: ['https://app.example', 'https://*.dev.example'] } });
  });
  afterAll(() => server.close());

  test('are created, listed, found and deleted', async () => {
    const Bucket = 'made.here-1';
    await server.client.send(new CreateBucketCommand({ Bucket }));
    const { Buckets } = await server.client.send(new ListBucketsCommand({}));
    expect(Buckets?.map((bucket) => bucket.Name)).toEqual([Bucket, BUCKET]);
    await server.client.send(new HeadBucketCommand({ Bucket }));
    await expect(server.client.send(new CreateBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'BucketAlreadyOwnedByYou',
    });
    await server.client.send(new DeleteBucketCommand({ Bucket }));
    await expect(server.client.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
    await expect(server.client.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    });
  });

  test('are not deleted while they hold something', async () => {
    const target = { Bucket: 'full', Key: 'k' };
    await server.client.send(new CreateBucketCommand(target));
    await server.client.send(new PutObjectCommand({ ...target, Body: 'x' }));
    await expect(server.client.send(new DeleteBucketCommand(target))).rejects.toMatchObject({
      name: 'BucketNotEmpty',
    });
    await server.client.send(new DeleteObjectCommand(target));
    await server.client.send(new DeleteBucketCommand(target));
  });

  test.each(['ab', 'UPPER', 'under_score', '.local-s3', 'a..b', '192.168.0.1', 'x'.repeat(64), '-dash'])(
    'name %j is refused',
    async (name) => {
      const url = await server.presign({ method: 'PUT', path: `/${name}` });
      expect(await errorCode(await fetch(url, { method: 'PUT' }))).toBe('InvalidBucketName');
    },
  );

  test('belong to one region', async () => {
    const create = (LocationConstraint: 'us-east-1' | 'eu-west-1') =>
      server.client.send(
        new CreateBucketCommand({
          Bucket: 'placed',
          CreateBucketConfiguration: { LocationConstraint: LocationConstraint as 'eu-west-1' },
        }),
      );
    await expect(create('eu-west-1')).rejects.toMatchObject({ name: 'IllegalLocationConstraintException' });
    await create('us-east-1');
  });
});

describe('CORS', () => {
  const origin = 'https://app.example';
  let server: TestServer;
  let url: string;
  beforeAll(async () => {
    server = await startServer('memory', { cors: { origins: [origin, 'https://*.dev.example'] } });
    url = await server.presign({ method: 'PUT', path: `/${BUCKET}/k` });
  });
  afterAll(() => server.close());
  const preflight = (headers: Record<string, string>) => fetch(url, { method: 'OPTIONS', headers });

  test('a preflight needs no signature', async () => {
    const response = await fetch(`${server.url}/${BUCKET}/k`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'content-type, X-Amz-Checksum-Crc64nvme',
      },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
    expect(response.headers.get('access-control-allow-methods')).toContain('PUT');
    expect(response.headers.get('access-control-allow-headers')).toBe(
      'content-type, x-amz-checksum-crc64nvme',
    );
    expect(response.headers.get('access-control-max-age')).toBe('7200');
  });

  test('scripts of an allowed origin may read ETag and checksums', async () => {
    const response = await fetch(url, {
      method: 'PUT',
      body: 'x',
      headers: { origin: 'https://a.dev.example' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://a.dev.example');
    expect(response.headers.get('vary')).toContain('Origin');
    const exposed = response.headers.get('access-control-expose-headers')?.split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['ETag', 'x-amz-checksum-crc64nvme', 'x-amz-version-id']));
  });

  test('errors can be read too', async () => {
    const response = await fetch(`${server.url}/${BUCKET}/k`, { headers: { origin } });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBe(origin);
  });

  test('other origins, methods and buckets are not', async () => {
    const asked = { origin: 'https://evil.example', 'access-control-request-method': 'PUT' };
    const refused = await preflight(asked);
    expect(refused.status).toBe(403);
    expect(await errorCode(refused)).toBe('AccessForbidden');
    expect((await preflight({ origin, 'access-control-request-method': 'PATCH' })).status).toBe(403);
    const put = await fetch(url, { method: 'PUT', body: 'x', headers: { origin: asked.origin } });
    expect(put.headers.get('access-control-allow-origin')).toBeNull();
    const elsewhere = await fetch(`${server.url}/no-such-bucket/k`, {
      method: 'OPTIONS',
      headers: { ...asked, origin },
    });
    expect(elsewhere.status).toBe(403);
    expect((await preflight({ origin })).status).toBe(400);
    expect((await preflight({ 'access-control-request-method': 'PUT' })).status).toBe(400);
  });

  test('a bucket’s own rules take the place of the default ones', async () => {
    const CORSRules = [
      {
        ID: 'one',
        AllowedOrigins: ['https://one.example'],
        AllowedMethods: ['GET'],
        ExposeHeaders: ['ETag'],
        MaxAgeSeconds: 9,
      },
      { AllowedOrigins: ['*'], AllowedMethods: ['PUT', 'POST'], AllowedHeaders: ['content-*', 'x-amz-*'] },
    ];
    const Bucket = 'ruled';
    await server.client.send(new CreateBucketCommand({ Bucket }));
    await server.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    const stored = await server.client.send(new GetBucketCorsCommand({ Bucket }));
    expect(stored.CORSRules).toEqual(CORSRules);

    const ask = (headers: string) =>
      fetch(`${server.url}/${Bucket}/k`, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://any.example',
          'access-control-request-method': 'PUT',
          'access-control-request-headers': headers,
        },
      });
    const allowed = await ask('content-type,x-amz-meta-a');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('*');
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull();
    expect((await ask('authorization')).status).toBe(403);
    const read = await fetch(`${server.url}/${Bucket}/k`, { headers: { origin: 'https://one.example' } });
    expect(read.headers.get('access-control-expose-headers')).toBe('ETag');
  });

  test('the default rules can be read', async () => {
    const { CORSRules } = await server.client.send(new GetBucketCorsCommand({ Bucket: BUCKET }));
    expect(CORSRules).toMatchObject([
      { AllowedOrigins: [origin, 'https://*.dev.example'], AllowedHeaders: ['*'] },
    ]);
  });

  test.each([
    [{ AllowedOrigins: ['*'], AllowedMethods: ['PATCH'] }, 'InvalidRequest'],
    [{ AllowedOrigins: ['https://*.*'], AllowedMethods: ['GET'] }, 'InvalidRequest'],
    [{ AllowedOrigins: [], AllowedMethods: ['GET'] }, 'MalformedXML'],
  ])('rules that cannot be: %j', async (rule, name) => {
    const command = new PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration: { CORSRules: [rule] } });
    await expect(server.client.send(command)).rejects.toMatchObject({ name });
  });
});

describe('what is not here', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer('memory');
  });
  afterAll(() => server.close());

  test.each([
    ['GET', `/${BUCKET}`, {}],
    ['GET', `/${BUCKET}`, { acl: '' }],
    ['GET', `/${BUCKET}`, { location: '' }],
    ['PUT', `/${BUCKET}`, { lifecycle: '' }],
    ['PUT', `/${BUCKET}`, { encryption: '' }],
    ['DELETE', `/${BUCKET}`, { policy: '' }],
    ['POST', `/${BUCKET}`, { delete: '' }],
    ['PUT', `/${BUCKET}/k`, { acl: '' }],
    ['PUT', `/${BUCKET}/k`, { tagging: '' }],
    ['GET', `/${BUCKET}/k`, { attributes: '' }],
    ['GET', `/${BUCKET}/k`, { partNumber: '1' }],
    ['PUT', `/${BUCKET}/k`, { versionId: 'null' }],
    ['PUT', `/${BUCKET}/k`, { uploadId: 'u' }],
    ['POST', `/${BUCKET}/k`, { select: '', 'select-type': '2' }],
    ['POST', `/${BUCKET}/k`, {}],
  ])('%s %s %j is NotImplemented', async (method, path, query) => {
    const url = await server.presign({ method, path, query });
    const response = await fetch(url, { method });
    expect(response.status).toBe(501);
    expect(await errorCode(response)).toBe('NotImplemented');
  });

  test.each([
    'x-amz-acl',
    'x-amz-tagging',
    'x-amz-storage-class',
    'x-amz-server-side-encryption',
    'x-amz-server-side-encryption-context',
    'x-amz-object-lock-mode',
    'x-amz-website-redirect-location',
    'x-amz-expected-bucket-owner',
    'x-amz-made-up',
  ])('header %s is NotImplemented, signed or in the query', async (name) => {
    const headers = { [name]: 'value' };
    const input = { method: 'PUT', path: `/${BUCKET}/k`, headers };
    const signed = await server.presign({ ...input, unhoistable: [name] });
    expect(await errorCode(await fetch(signed, { method: 'PUT', body: 'x', headers }))).toBe(
      'NotImplemented',
    );
    const hoisted = await server.presign(input);
    expect(hoisted).toContain(name);
    expect(await errorCode(await fetch(hoisted, { method: 'PUT', body: 'x' }))).toBe('NotImplemented');
  });

  test('conditions other than If-None-Match: * on a PUT', async () => {
    const url = await server.presign({ method: 'PUT', path: `/${BUCKET}/k` });
    for (const headers of [{ 'if-match': '"e"' }, { 'if-none-match': '"e"' }]) {
      expect(await errorCode(await fetch(url, { method: 'PUT', body: 'x', headers }))).toBe('NotImplemented');
    }
  });

  test('bodies in chunks without a length, and signed chunks', async () => {
    const url = await server.presign({ method: 'PUT', path: `/${BUCKET}/k` });
    const streamed = { method: 'PUT', body: new Blob(['x']).stream(), duplex: 'half' } as const;
    expect(await errorCode(await fetch(url, streamed))).toBe('NotImplemented');
    const headers = { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' };
    const chunked = await server.presign({ method: 'PUT', path: `/${BUCKET}/k`, headers });
    expect(await errorCode(await fetch(chunked, { method: 'PUT', body: 'x' }))).toBe('NotImplemented');
  });

  test('methods that HTTP has and S3 has not', async () => {
    const url = await server.presign({ method: 'PATCH', path: `/${BUCKET}/k` });
    expect((await fetch(url, { method: 'PATCH' })).status).toBe(405);
  });
});

test('options that cannot be are refused at once', () => {
  const storage = { kind: 'memory' } as const;
  const empty = { accessKeyId: '', secretAccessKey: 's' };
  expect(() => createLocalS3({ storage, credentials: empty })).toThrow(TypeError);
  expect(() => createLocalS3({ storage: { kind: 'tape' } as never, credentials: CREDENTIALS })).toThrow(
    /memory.*folder.*tape/,
  );
});

test('a bucket name that cannot be is told by listen', async () => {
  const s3 = createLocalS3({ storage: { kind: 'memory' }, credentials: CREDENTIALS, buckets: ['No'] });
  await expect(s3.listen()).rejects.toThrow('bucket');
});
