import type { Grant } from '@longhaul/protocol';
import { describe, expect, it } from 'vitest';
import {
  awsProfile,
  createS3ObjectStore,
  genericProfile,
  type S3ObjectStoreOptions,
} from '../../src/s3-object-store.ts';

const BASE = {
  bucket: 'uploads',
  region: 'eu-west-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
};
const PART = { key: 'a/ä b', s3UploadId: 'u+/=', partNumber: 3, sizeBytes: 10, expiresInSeconds: 600 };
const WHOLE = {
  key: 'k',
  contentType: 'image/png',
  metadata: { 'node-id': 'n' },
  sizeBytes: 10,
  expiresInSeconds: 600,
};

function store(options: Partial<S3ObjectStoreOptions> = {}): ReturnType<typeof createS3ObjectStore> {
  return createS3ObjectStore({ ...BASE, ...options });
}

function signedHeaders({ url }: Grant): string[] {
  return (new URL(url).searchParams.get('X-Amz-SignedHeaders') ?? '').split(';');
}

describe('presigned URLs', () => {
  it('name bucket, key, part and upload', async () => {
    const { url } = await store().signPart(PART);
    const { origin, pathname, searchParams } = new URL(url);
    expect(origin).toBe('https://uploads.s3.eu-west-1.amazonaws.com');
    expect(pathname).toBe('/a/%C3%A4%20b');
    expect(searchParams.get('uploadId')).toBe('u+/=');
    expect(searchParams.get('partNumber')).toBe('3');
    expect(searchParams.get('X-Amz-Expires')).toBe('600');
  });

  it('ask for no checksum of an empty body', async () => {
    expect((await store().signPart(PART)).url).not.toMatch(/checksum/i);
    expect((await store().signPut(WHOLE)).url).not.toMatch(/checksum/i);
  });

  it('sign every header as a header, and leave none in the URL', async () => {
    const grant = await store().signPut({
      ...WHOLE,
      checksum: { algorithm: 'CRC64NVME', value: 'rosUhgp5mIg=' },
      encryption: { mode: 'sse-kms', kmsKeyId: 'key-1' },
    });
    const headers = {
      'content-type': 'image/png',
      'if-none-match': '*',
      'x-amz-checksum-crc64nvme': 'rosUhgp5mIg=',
      'x-amz-meta-node-id': 'n',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    };
    expect(grant.headers).toEqual(headers);
    expect(signedHeaders(grant)).toEqual(['content-length', 'host', ...Object.keys(headers)].toSorted());
    expect(grant.url).not.toMatch(/[?&]x-amz-(meta|checksum|server)/i);
  });

  it('leave out what the store would not honour', async () => {
    const crc = { algorithm: 'CRC32', value: 'y/Q5Jg==' } as const;
    const generic = await store({ profile: genericProfile }).signPut({ ...WHOLE, checksum: crc });
    expect(Object.keys(generic.headers)).toEqual(['content-type', 'x-amz-meta-node-id']);
    const md5 = { algorithm: 'MD5', value: 'JfnnlDI7RTiF9RgfG2JNCw==' } as const;
    const part = await store({ profile: genericProfile }).signPart({ ...PART, checksum: md5 });
    expect(part.headers).toEqual({ 'content-md5': md5.value });
    expect(signedHeaders(part)).toContain('content-md5');
  });

  it.each<[string, Partial<S3ObjectStoreOptions>, string]>([
    ['the endpoint', { endpoint: 'https://s3.example.com' }, 'https://uploads.s3.example.com/k'],
    [
      'the path',
      { endpoint: 'https://s3.example.com:9000', forcePathStyle: true },
      'https://s3.example.com:9000/uploads/k',
    ],
    [
      'the public endpoint',
      { endpoint: 'http://ceph:7480', publicEndpoint: 'https://files.example.com', forcePathStyle: true },
      'https://files.example.com/uploads/k',
    ],
    ['an address', { endpoint: 'http://127.0.0.1:7480' }, 'http://127.0.0.1:7480/uploads/k'],
    [
      'a path before the bucket',
      { endpoint: 'https://h/s3', forcePathStyle: true },
      'https://h/s3/uploads/k',
    ],
    ['a bucket with dots', { bucket: 'a.b' }, 'https://s3.eu-west-1.amazonaws.com/a.b/k'],
    ['China', { region: 'cn-north-1' }, 'https://uploads.s3.cn-north-1.amazonaws.com.cn/k'],
  ])('go to %s', async (_name, options, location) => {
    const objectStore = store(options);
    const { url } = await objectStore.signPut(WHOLE);
    expect(url.split('?')[0]).toBe(location);
    expect(objectStore.locationOf('k')).toBe(location);
  });

  it('pick the profile by the endpoint', () => {
    expect(store().profile).toBe(awsProfile);
    expect(store({ endpoint: 'https://s3.example.com' }).profile).toBe(genericProfile);
  });

  it('never outlive the credentials', async () => {
    const expiration = new Date(Date.now() + 120_000);
    const temporary = { ...BASE.credentials, sessionToken: 'session', expiration };
    const grant = await store({ credentials: async () => temporary }).signPart(PART);
    expect(grant.expiresInSeconds).toBeLessThanOrEqual(120);
    expect(grant.expiresInSeconds).toBeGreaterThan(100);
    const { searchParams } = new URL(grant.url);
    expect(searchParams.get('X-Amz-Expires')).toBe(String(grant.expiresInSeconds));
    expect(searchParams.get('X-Amz-Security-Token')).toBe('session');
  });

  it('are not made of credentials that have ended', async () => {
    const ended = { ...BASE.credentials, sessionToken: 's', expiration: new Date(Date.now() - 1000) };
    await expect(store({ credentials: async () => ended }).signPart(PART)).rejects.toMatchObject({
      kind: 'refused',
      s3Code: 'ExpiredToken',
    });
  });

  it('live a week at most', async () => {
    const grant = await store().signPart({ ...PART, expiresInSeconds: 10_000_000 });
    expect(grant.expiresInSeconds).toBe(604_800);
  });
});
