import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { TestServer } from './test-server.ts';
import {
  BUCKET,
  STORAGE_KINDS,
  createClient,
  errorCode,
  patternBytes,
  putUnresolved,
  startServer,
} from './test-server.ts';

describe.each(STORAGE_KINDS)('objects in %s storage', (kind) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(kind);
  });
  afterAll(() => server.close());

  const put = (Key: string, Body: Uint8Array | string, more: object = {}) =>
    server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
  const get = (Key: string, more: object = {}) =>
    server.client.send(new GetObjectCommand({ Bucket: BUCKET, Key, ...more }));
  const head = (Key: string, more: object = {}) =>
    server.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key, ...more }));
  const bytesOf = async (Key: string, more: object = {}) =>
    Buffer.from((await (await get(Key, more)).Body?.transformToByteArray()) ?? []);

  test('what was put is what is got, with its MD5 as ETag', async () => {
    const body = patternBytes(3_000_000);
    const { ETag } = await put('plain', body);
    expect(ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    expect((await bytesOf('plain')).equals(body)).toBe(true);
    const stored = await head('plain');
    expect(stored).toMatchObject({ ContentLength: body.length, ETag, AcceptRanges: 'bytes' });
    expect(stored.LastModified?.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  test('an empty object', async () => {
    await put('empty', new Uint8Array());
    expect((await head('empty')).ContentLength).toBe(0);
    expect(await bytesOf('empty')).toHaveLength(0);
  });

  test('headers and metadata come back', async () => {
    await put('labelled', 'x', {
      ContentType: 'text/plain; charset=utf-8',
      ContentDisposition: 'attachment; filename="x.txt"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'en',
      CacheControl: 'no-store',
      Metadata: { 'node-id': 'n1', 'original-name': 'a%20b' },
    });
    expect(await head('labelled')).toMatchObject({
      ContentType: 'text/plain; charset=utf-8',
      ContentDisposition: 'attachment; filename="x.txt"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'en',
      CacheControl: 'no-store',
      Metadata: { 'node-id': 'n1', 'original-name': 'a%20b' },
    });
  });

  test('too much metadata is refused', async () => {
    const failed = put('heavy', 'x', { Metadata: { note: 'n'.repeat(2_048) } });
    await expect(failed).rejects.toMatchObject({ name: 'MetadataTooLarge' });
  });

  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=2-4', 2, 5],
    ['bytes=5-', 5, 10],
    ['bytes=-3', 7, 10],
    ['bytes=-99', 0, 10],
    ['bytes=8-99', 8, 10],
  ])('range %s', async (Range, start, end) => {
    await put('ranged', '0123456789');
    const answer = await get('ranged', { Range });
    expect(answer.$metadata.httpStatusCode).toBe(206);
    expect(answer.ContentRange).toBe(`bytes ${start}-${end - 1}/10`);
    expect(await answer.Body?.transformToString()).toBe('0123456789'.slice(start, end));
  });

  test('a range with nothing in it is 416', async () => {
    await put('ranged', '0123456789');
    for (const Range of ['bytes=10-', 'bytes=-0']) {
      await expect(get('ranged', { Range })).rejects.toMatchObject({ name: 'InvalidRange' });
    }
    const url = await server.presign({ method: 'GET', path: `/${BUCKET}/ranged` });
    const response = await fetch(url, { headers: { range: 'bytes=10-' } });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */10');
  });

  test('what is no range is ignored', async () => {
    await put('ranged', '0123456789');
    expect(await bytesOf('ranged', { Range: 'bytes=4-2' })).toHaveLength(10);
    expect(await bytesOf('ranged', { Range: 'lines=1-2' })).toHaveLength(10);
  });

  test('a large object crosses chunk borders in a range', async () => {
    const body = patternBytes(2_500_000, 7);
    await put('large', body);
    const part = await bytesOf('large', { Range: 'bytes=1000001-2000000' });
    expect(part.equals(body.subarray(1_000_001, 2_000_001))).toBe(true);
  });

  test('absent keys and buckets', async () => {
    await expect(get('nothing')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await expect(head('nothing')).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
    const elsewhere = server.client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'k' }));
    await expect(elsewhere).rejects.toMatchObject({ name: 'NoSuchBucket' });
    const nowhere = server.client.send(
      new PutObjectCommand({ Bucket: 'no-such-bucket', Key: 'k', Body: 'x' }),
    );
    await expect(nowhere).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });

  test('deleting is final, and repeating it is a success', async () => {
    await put('doomed', 'x');
    for (let round = 0; round < 2; round += 1) {
      const { $metadata } = await server.client.send(
        new DeleteObjectCommand({ Bucket: BUCKET, Key: 'doomed' }),
      );
      expect($metadata.httpStatusCode).toBe(204);
    }
    await expect(get('doomed')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('If-None-Match: * never overwrites', async () => {
    await put('first', 'one', { IfNoneMatch: '*' });
    const again = put('first', 'two', { IfNoneMatch: '*' });
    await expect(again).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    expect((await bytesOf('first')).toString()).toBe('one');
    await put('first', 'three');
    expect((await bytesOf('first')).toString()).toBe('three');
  });

  test('of many conditional puts at once one wins', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => put('contested', `body ${index}`, { IfNoneMatch: '*' })),
    );
    const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
    expect(winners).toHaveLength(1);
    expect((await bytesOf('contested')).toString()).toBe(`body ${winners[0]}`);
  });

  test('conditional reads', async () => {
    const { ETag } = await put('cached', 'x');
    const notModified = { $metadata: { httpStatusCode: 304 } };
    const failed = { $metadata: { httpStatusCode: 412 } };
    const later = new Date(Date.now() + 60_000);
    const earlier = new Date(Date.now() - 60_000);
    await expect(get('cached', { IfNoneMatch: ETag })).rejects.toMatchObject(notModified);
    await expect(get('cached', { IfModifiedSince: later })).rejects.toMatchObject(notModified);
    await expect(get('cached', { IfMatch: '"0"' })).rejects.toMatchObject(failed);
    await expect(get('cached', { IfUnmodifiedSince: earlier })).rejects.toMatchObject(failed);
    await get('cached', { IfMatch: ETag, IfUnmodifiedSince: earlier });
    await get('cached', { IfNoneMatch: '"0"', IfModifiedSince: later });
  });

  test('the signer of a GET may relabel the answer', async () => {
    await put('relabelled', 'x', { ContentType: 'text/html' });
    const answer = await get('relabelled', {
      ResponseContentType: 'text/plain',
      ResponseContentDisposition: 'attachment',
    });
    expect(answer).toMatchObject({ ContentType: 'text/plain', ContentDisposition: 'attachment' });
  });

  test('Content-MD5 is compared', async () => {
    const ContentMD5 = createHash('md5').update('right').digest('base64');
    await put('checked', 'right', { ContentMD5 });
    await expect(put('checked', 'wrong', { ContentMD5 })).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(put('checked', 'wrong', { ContentMD5: 'no digest' })).rejects.toMatchObject({
      name: 'InvalidDigest',
    });
    expect((await bytesOf('checked')).toString()).toBe('right');
  });

  test('the signed SHA-256 of the body is compared', async () => {
    const url = await server.presign({
      method: 'PUT',
      path: `/${BUCKET}/hashed`,
      headers: { 'x-amz-content-sha256': createHash('sha256').update('right').digest('hex') },
    });
    const wrong = await fetch(url, { method: 'PUT', body: 'wrong' });
    expect(await errorCode(wrong)).toBe('XAmzContentSHA256Mismatch');
    expect((await fetch(url, { method: 'PUT', body: 'right' })).status).toBe(200);
  });

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    '%s: computed by the SDK, verified here, shown by HEAD when asked',
    async (ChecksumAlgorithm) => {
      const body = patternBytes(100_000);
      const stored = await put(ChecksumAlgorithm, body, { ChecksumAlgorithm });
      const name = `Checksum${ChecksumAlgorithm}` as const;
      expect(stored[name]).toMatch(/=$/);
      const asked = await head(ChecksumAlgorithm, { ChecksumMode: 'ENABLED' });
      expect(asked[name]).toBe(stored[name]);
      expect(asked.ChecksumType).toBe('FULL_OBJECT');
      expect((await head(ChecksumAlgorithm))[name]).toBeUndefined();
      await expect(
        put(ChecksumAlgorithm, patternBytes(10, 2), { [name]: stored[name] }),
      ).rejects.toMatchObject({
        name: 'BadDigest',
      });
      expect((await bytesOf(ChecksumAlgorithm)).equals(body)).toBe(true);
    },
  );

  test.each([undefined, 'CRC32', 'CRC64NVME', 'SHA256'] as const)(
    'large bodies, which another thread hashes, with checksum %s',
    async (ChecksumAlgorithm) => {
      const bodies = [1, 2, 3].map((seed) => patternBytes(5_000_000 + seed, seed));
      const stored = await Promise.all(
        bodies.map((body, index) => put(`large-${index}`, body, { ChecksumAlgorithm })),
      );
      for (const [index, body] of bodies.entries()) {
        expect(stored[index]?.ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
        expect((await bytesOf(`large-${index}`)).equals(body)).toBe(true);
      }
      const ContentMD5 = createHash('md5').digest('base64');
      await expect(put('large-0', bodies[1]!, { ContentMD5 })).rejects.toMatchObject({ name: 'BadDigest' });
      expect((await bytesOf('large-0')).equals(bodies[0]!)).toBe(true);
    },
  );

  test('the SDK verifies what it gets against the stored checksum', async () => {
    const client = createClient(server.url, { responseChecksumValidation: 'WHEN_SUPPORTED' });
    const body = patternBytes(300_000);
    await put('verified', body, { ChecksumAlgorithm: 'CRC64NVME' });
    const answer = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'verified' }));
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  });

  test('a stream of the SDK, in aws-chunked encoding with a trailing checksum', async () => {
    const client = createClient(server.url, { requestChecksumCalculation: 'WHEN_SUPPORTED' });
    const body = patternBytes(400_000);
    const { ChecksumCRC32 } = await client.send(
      new PutObjectCommand({
        Bucket: BUCKET,
        Key: 'streamed',
        Body: Readable.from([body.subarray(0, 100_001), body.subarray(100_001)]),
        ContentLength: body.length,
        ContentEncoding: 'br',
      }),
    );
    expect(ChecksumCRC32).toBeDefined();
    expect((await bytesOf('streamed')).equals(body)).toBe(true);
    expect((await head('streamed')).ContentEncoding).toBe('br');
  });

  test('checksum headers that contradict each other or have no form', async () => {
    const send = async (headers: Record<string, string>) => {
      const url = await server.presign({
        method: 'PUT',
        path: `/${BUCKET}/odd`,
        headers,
        unhoistable: Object.keys(headers),
      });
      return await errorCode(await fetch(url, { method: 'PUT', body: 'x', headers }));
    };
    expect(await send({ 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' })).toBe(
      'InvalidRequest',
    );
    expect(await send({ 'x-amz-checksum-crc32': 'AAAA' })).toBe('InvalidRequest');
    expect(await send({ 'x-amz-sdk-checksum-algorithm': 'CRC32' })).toBe('InvalidRequest');
    expect(await send({ 'x-amz-checksum-xxhash64': 'AAAAAAAAAAA=' })).toBe('NotImplemented');
  });

  test('a checksum in the query of a presigned URL is not looked at, as on S3', async () => {
    const headers = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-sdk-checksum-algorithm': 'CRC32' };
    const url = await server.presign({ method: 'PUT', path: `/${BUCKET}/hoisted`, headers });
    expect(url).toContain('x-amz-checksum-crc32');
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(200);
  });

  test('metadata in the query of a presigned URL is kept, as on S3', async () => {
    const headers = { 'x-amz-meta-token': 't1' };
    const url = await server.presign({ method: 'PUT', path: `/${BUCKET}/hoisted-meta`, headers });
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(200);
    expect((await head('hoisted-meta')).Metadata).toEqual({ token: 't1' });
  });

  test.each(['a b/ü+%&?#=', '日本語/📁', 'quote"\'<>', 'trailing/', '//double', 'a\\b', 'tab\tnew\nline'])(
    'key %j',
    async (key) => {
      await put(key, `content of ${key}`);
      expect((await bytesOf(key)).toString()).toBe(`content of ${key}`);
    },
  );

  test('keys that are each other’s prefix, and keys with dots, stay apart', async () => {
    const keys = ['p', 'p/q', 'p/q/r', 'p/../q', '../p', './p', 'p/.'];
    for (const key of keys) {
      const url = await server.presign({ method: 'PUT', path: `/${BUCKET}/${key}` });
      expect(await putUnresolved(url, `content of ${key}`)).toBe(200);
    }
    for (const key of ['p', 'p/q', 'p/q/r']) {
      expect((await bytesOf(key)).toString()).toBe(`content of ${key}`);
    }
  });

  test('a key may have 1,024 bytes and no more', async () => {
    await put('k'.repeat(1_024), 'x');
    await expect(put('k'.repeat(1_025), 'x')).rejects.toMatchObject({ name: 'KeyTooLongError' });
  });

  test('every answer has a request id, and errors tell it in S3’s words', async () => {
    const url = await server.presign({ method: 'GET', path: `/${BUCKET}/nothing` });
    const response = await fetch(url);
    const xml = await response.text();
    const requestId = response.headers.get('x-amz-request-id') ?? '';
    expect(requestId).toMatch(/^[0-9A-F]{16}$/);
    expect(xml).toBe(
      `<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>nothing</Key><Resource>/${BUCKET}/nothing</Resource><RequestId>${requestId}</RequestId><HostId>local-s3</HostId></Error>`,
    );
  });

  test('a body that breaks off stores nothing', async () => {
    const url = new URL(await server.presign({ method: 'PUT', path: `/${BUCKET}/broken` }));
    const socket = connect(Number(url.port), url.hostname);
    const target = `${url.pathname}${url.search}`;
    socket.end(`PUT ${target} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: 1000\r\n\r\nonly this`);
    socket.resume();
    await once(socket, 'close');
    await expect(head('broken')).rejects.toBeInstanceOf(S3ServiceException);
  });

  test('a Request that never was on a wire is served too', async () => {
    const url = await server.presign({ method: 'PUT', path: `/${BUCKET}/in-process` });
    expect((await server.s3.fetch(new Request(url, { method: 'PUT', body: 'direct' }))).status).toBe(200);
    const read = await server.presign({ method: 'GET', path: `/${BUCKET}/in-process` });
    expect(await (await server.s3.fetch(new Request(read))).text()).toBe('direct');
    const cut = new Request(url, { method: 'PUT', body: 'short', headers: { 'content-length': '100' } });
    expect(await errorCode(await server.s3.fetch(cut))).toBe('IncompleteBody');
  });
});
