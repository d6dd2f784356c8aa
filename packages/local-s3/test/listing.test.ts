import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { TestServer } from './test-server.ts';
import { BUCKET, STORAGE_KINDS, errorCode, startServer } from './test-server.ts';

describe.each(STORAGE_KINDS)('ListObjectsV2 in %s storage', (kind) => {
  const KEYS = ['a', 'b/1', 'b/2', 'b/3/x', 'c', 'd/', 'd/1', 'e f+g', 'é', '\u{1f4c1}', '\uffee'];
  // By bytes of UTF-8: U+FFEE before U+1F4C1, which UTF-16 has the other way round.
  const SORTED = ['a', 'b/1', 'b/2', 'b/3/x', 'c', 'd/', 'd/1', 'e f+g', 'é', '\uffee', '\u{1f4c1}'];
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(kind);
    for (const Key of KEYS)
      await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: Key }));
  });
  afterAll(() => server.close());

  const list = (more: object = {}) =>
    server.client.send(new ListObjectsV2Command({ Bucket: BUCKET, ...more }));
  type Page = Awaited<ReturnType<typeof list>>;
  const keysOf = (page: Page) => (page.Contents ?? []).map((object) => object.Key);
  const prefixesOf = (page: Page) => (page.CommonPrefixes ?? []).map((common) => common.Prefix);

  test('by the bytes of the key, with size and ETag', async () => {
    const page = await list();
    expect(keysOf(page)).toEqual(SORTED);
    expect(page).toMatchObject({ KeyCount: KEYS.length, IsTruncated: false, MaxKeys: 1_000, Name: BUCKET });
    expect(page.Contents?.[0]).toMatchObject({ Size: 1, ETag: '"0cc175b9c0f1b6a831c399e269772661"' });
    expect(page.Contents?.[0]?.Owner).toBeUndefined();
    expect((await list({ FetchOwner: true })).Contents?.[0]?.Owner?.ID).toBeDefined();
  });

  test.each([1, 2, 3, 4, 100])('in pages of %i', async (MaxKeys) => {
    for (const Delimiter of [undefined, '/']) {
      const whole = await list({ Delimiter });
      const seen: (string | undefined)[] = [];
      let token: string | undefined;
      do {
        const page: Page = await list({ Delimiter, MaxKeys, ContinuationToken: token });
        expect(page.KeyCount).toBeLessThanOrEqual(MaxKeys);
        seen.push(...keysOf(page), ...prefixesOf(page));
        token = page.NextContinuationToken;
      } while (token !== undefined);
      expect(new Set(seen)).toEqual(new Set([...keysOf(whole), ...prefixesOf(whole)]));
      expect(seen).toHaveLength(whole.KeyCount ?? 0);
    }
  });

  test('with prefix and delimiter', async () => {
    const top = await list({ Delimiter: '/' });
    expect(keysOf(top)).toEqual(['a', 'c', 'e f+g', 'é', '\uffee', '\u{1f4c1}']);
    expect(prefixesOf(top)).toEqual(['b/', 'd/']);
    const inner = await list({ Delimiter: '/', Prefix: 'b/' });
    expect(keysOf(inner)).toEqual(['b/1', 'b/2']);
    expect(prefixesOf(inner)).toEqual(['b/3/']);
    expect(keysOf(await list({ Prefix: 'd/' }))).toEqual(['d/', 'd/1']);
    expect(await list({ Prefix: 'nothing' })).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  test('from a key on', async () => {
    expect(keysOf(await list({ StartAfter: 'b/2' }))[0]).toBe('b/3/x');
    expect(keysOf(await list({ StartAfter: 'b/22' }))[0]).toBe('b/3/x');
  });

  test('encoded for XML that cannot hold every key', async () => {
    const page = await list({ EncodingType: 'url', Prefix: 'e' });
    expect(page.EncodingType).toBe('url');
    expect(keysOf(page)).toEqual(['e%20f%2Bg']);
  });

  test('arguments that cannot be', async () => {
    const attempts = [{ MaxKeys: -1 }, { ContinuationToken: '*' }, { EncodingType: 'base64' }];
    for (const more of attempts) await expect(list(more)).rejects.toMatchObject({ name: 'InvalidArgument' });
    const query = { 'list-type': '1' };
    const url = await server.presign({ method: 'GET', path: `/${BUCKET}`, query });
    expect(await errorCode(await fetch(url))).toBe('InvalidArgument');
  });

  test('no keys at all when none are wanted', async () => {
    expect(await list({ MaxKeys: 0 })).toMatchObject({ KeyCount: 0, MaxKeys: 0 });
  });
});

describe.each(STORAGE_KINDS)('versions in %s storage', (kind) => {
  const Key = 'v/key';
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer(kind);
    return () => server.close();
  });

  const setVersioning = (Status: 'Enabled' | 'Suspended') =>
    server.client.send(
      new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status } }),
    );
  const put = (Body: string, more: object = {}) =>
    server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }));
  const remove = (VersionId?: string) =>
    server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key, VersionId }));
  const read = async (VersionId?: string) => {
    const { Body } = await server.client.send(new GetObjectCommand({ Bucket: BUCKET, Key, VersionId }));
    return await Body?.transformToString();
  };
  const list = async (more: object = {}) => {
    const page = await server.client.send(new ListObjectVersionsCommand({ Bucket: BUCKET, ...more }));
    return {
      versions: (page.Versions ?? []).map((version) => [version.VersionId, version.IsLatest]),
      markers: (page.DeleteMarkers ?? []).map((marker) => [marker.VersionId, marker.IsLatest]),
      page,
    };
  };

  test('a bucket starts without versioning', async () => {
    const asked = await server.client.send(new GetBucketVersioningCommand({ Bucket: BUCKET }));
    expect(asked.Status).toBeUndefined();
    expect((await put('one')).VersionId).toBeUndefined();
    expect((await put('two')).VersionId).toBeUndefined();
    expect(await list()).toMatchObject({ versions: [['null', true]], markers: [] });
    expect(await read('null')).toBe('two');
    expect((await remove()).DeleteMarker).toBeUndefined();
    expect((await list()).versions).toEqual([]);
  });

  test('with versioning nothing is overwritten', async () => {
    await put('zero');
    await setVersioning('Enabled');
    expect((await server.client.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).Status).toBe(
      'Enabled',
    );
    const one = (await put('one')).VersionId ?? '';
    const two = (await put('two')).VersionId ?? '';
    expect(await read()).toBe('two');
    expect(await Promise.all([read(one), read(two), read('null')])).toEqual(['one', 'two', 'zero']);
    expect((await list()).versions).toEqual([
      [two, true],
      [one, false],
      ['null', false],
    ]);
    const head = await server.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key, VersionId: one }));
    expect(head.VersionId).toBe(one);
  });

  test('deleting hides, deleting the marker shows again, deleting a version is final', async () => {
    await setVersioning('Enabled');
    const one = (await put('one')).VersionId ?? '';
    const two = (await put('two')).VersionId ?? '';
    const deleted = await remove();
    expect(deleted.DeleteMarker).toBe(true);
    const marker = deleted.VersionId ?? '';
    await expect(read()).rejects.toMatchObject({ name: 'NoSuchKey' });
    await expect(read(marker)).rejects.toMatchObject({ name: 'MethodNotAllowed' });
    expect(await read(two)).toBe('two');
    expect(await list()).toMatchObject({
      versions: [
        [two, false],
        [one, false],
      ],
      markers: [[marker, true]],
    });
    const objects = await server.client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    expect(objects.KeyCount).toBe(0);

    expect(await remove(marker)).toMatchObject({ DeleteMarker: true, VersionId: marker });
    expect(await read()).toBe('two');
    expect((await remove(two)).DeleteMarker).toBeUndefined();
    expect(await read()).toBe('one');
    await expect(read(two)).rejects.toMatchObject({ name: 'NoSuchVersion' });
    await remove('unknown');
  });

  test('If-None-Match: * passes where a marker hides the object', async () => {
    await setVersioning('Enabled');
    await put('one');
    await expect(put('two', { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await remove();
    await put('two', { IfNoneMatch: '*' });
    expect(await read()).toBe('two');
  });

  test('suspended, only the null version is overwritten', async () => {
    await setVersioning('Enabled');
    const one = (await put('one')).VersionId ?? '';
    await setVersioning('Suspended');
    expect((await put('two')).VersionId).toBe('null');
    await put('three');
    expect((await list()).versions).toEqual([
      ['null', true],
      [one, false],
    ]);
    expect(await remove()).toMatchObject({ DeleteMarker: true, VersionId: 'null' });
    expect(await list()).toMatchObject({ versions: [[one, false]], markers: [['null', true]] });
    expect(await read(one)).toBe('one');
  });

  test('a multipart upload makes a version, by the setting of the time when it was begun', async () => {
    const upload = async (begin: () => Promise<unknown>) => {
      const target = { Bucket: BUCKET, Key };
      const { UploadId } = await server.client.send(new CreateMultipartUploadCommand(target));
      await begin();
      const { ETag } = await server.client.send(
        new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'x' }),
      );
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      return await server.client.send(
        new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }),
      );
    };
    expect((await upload(() => setVersioning('Enabled'))).VersionId).toBeUndefined();
    const { VersionId } = await upload(async () => {});
    expect((await list()).versions).toEqual([
      [VersionId, true],
      ['null', false],
    ]);
  });

  test.each([1, 2, 3])('ListObjectVersions in pages of %i', async (MaxKeys) => {
    await setVersioning('Enabled');
    for (const key of ['a', 'b', 'b', 'b', 'c/1', 'c/2']) {
      await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: key }));
    }
    await server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'b' }));
    for (const Delimiter of [undefined, '/']) {
      const idsOf = ({ versions, markers, page }: Awaited<ReturnType<typeof list>>) => [
        ...versions.map(([id]) => id),
        ...markers.map(([id]) => id),
        ...(page.CommonPrefixes ?? []).map((common) => common.Prefix),
      ];
      const whole = idsOf(await list({ Delimiter }));
      const seen = [];
      let markers: object | undefined = {};
      while (markers !== undefined) {
        const answer: Awaited<ReturnType<typeof list>> = await list({ Delimiter, MaxKeys, ...markers });
        seen.push(...idsOf(answer));
        const { page } = answer;
        markers = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
      }
      expect(whole).toHaveLength(Delimiter === undefined ? 7 : 6);
      expect(new Set(seen)).toEqual(new Set(whole));
      expect(seen).toHaveLength(whole.length);
    }
  });

  test.each(['Disabled', ''])('versioning cannot be %j', async (status) => {
    const url = await server.presign({ method: 'PUT', path: `/${BUCKET}`, query: { versioning: '' } });
    const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`;
    expect(await errorCode(await fetch(url, { method: 'PUT', body }))).toBe('MalformedXML');
  });
});
