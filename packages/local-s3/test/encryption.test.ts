import { createHash, randomBytes } from 'node:crypto';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUCKET, startServer, type TestServer } from './test-server.ts';

const key = randomBytes(32);
const other = randomBytes(32);
const SSE_C = 'x-amz-server-side-encryption-customer';

function customer(secret: Buffer) {
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: secret.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(secret).digest('base64'),
  };
}

let server: TestServer;
beforeAll(async () => {
  server = await startServer('folder');
});
afterAll(() => server.close());

const at = (name: string) => ({ Bucket: BUCKET, Key: name });

describe('a key of the caller', () => {
  test('is wanted to read what was written with it, and kept nowhere', async () => {
    const { client } = server;
    const put = await client.send(new PutObjectCommand({ ...at('a'), Body: 'secret', ...customer(key) }));
    expect(put.ETag).not.toBe(`"${createHash('md5').update('secret').digest('hex')}"`);
    const { Body } = await client.send(new GetObjectCommand({ ...at('a'), ...customer(key) }));
    expect(await Body?.transformToString()).toBe('secret');
    const read = (more: object) => client.send(new GetObjectCommand({ ...at('a'), ...more }));
    await expect(read({})).rejects.toMatchObject({ name: 'InvalidRequest' });
    await expect(read(customer(other))).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(client.send(new HeadObjectCommand(at('a')))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('is wanted for every part of an upload that was begun with it', async () => {
    const { client } = server;
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...at('parts'), ...customer(key) }),
    );
    const part = { ...at('parts'), UploadId, PartNumber: 1, Body: 'bytes' };
    for (const wrong of [{}, customer(other)])
      await expect(client.send(new UploadPartCommand({ ...part, ...wrong }))).rejects.toMatchObject({
        name: 'InvalidRequest',
      });
    expect(await client.send(new UploadPartCommand({ ...part, ...customer(key) }))).toMatchObject({
      SSECustomerAlgorithm: 'AES256',
    });
    const plain = await client.send(new CreateMultipartUploadCommand(at('plain')));
    const keyed = { ...part, ...at('plain'), UploadId: plain.UploadId, ...customer(key) };
    await expect(client.send(new UploadPartCommand(keyed))).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  test('must be one, and the only encryption asked for', async () => {
    const { client } = server;
    const put = (more: object) => client.send(new PutObjectCommand({ ...at('b'), Body: 'x', ...more }));
    await expect(put({ ...customer(key.subarray(1)) })).rejects.toMatchObject({ name: 'InvalidArgument' });
    await expect(put({ ...customer(key), ServerSideEncryption: 'AES256' })).rejects.toMatchObject({
      name: 'InvalidArgument',
    });
  });

  test('may be left out of a signature that says that one will come, and of no other', async () => {
    const { SSECustomerKey, SSECustomerKeyMD5 } = customer(key);
    const signed = { [`${SSE_C}-algorithm`]: 'AES256', [`${SSE_C}-key-md5`]: SSECustomerKeyMD5 };
    const input = { method: 'PUT', path: `/${BUCKET}/c` };
    const body = { method: 'PUT', body: 'x' };
    const url = await server.presign({ ...input, headers: signed, unhoistable: Object.keys(signed) });
    const withKey = { ...signed, [`${SSE_C}-key`]: SSECustomerKey };
    expect((await fetch(url, { ...body, headers: withKey })).status).toBe(200);
    expect((await fetch(url, { ...body, headers: signed })).status).toBe(400);
    const another = { ...signed, [`${SSE_C}-key`]: customer(other).SSECustomerKey };
    expect((await fetch(url, { ...body, headers: another })).status).toBe(400);
    const bare = await server.presign(input);
    expect((await fetch(bare, { ...body, headers: withKey })).status).toBe(403);
  });
});

test('the store’s own keys and those of a key service are shown again', async () => {
  const { client } = server;
  const own = { ServerSideEncryption: 'AES256' } as const;
  const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'one' } as const;
  for (const [name, mode] of [
    ['own', own],
    ['kms', kms],
  ] as const) {
    expect(await client.send(new CreateMultipartUploadCommand({ ...at(name), ...mode }))).toMatchObject(mode);
    expect(await client.send(new PutObjectCommand({ ...at(name), Body: 'x', ...mode }))).toMatchObject(mode);
    expect(await client.send(new HeadObjectCommand(at(name)))).toMatchObject(mode);
  }
});
