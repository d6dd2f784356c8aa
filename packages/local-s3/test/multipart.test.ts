import { createHash } from 'node:crypto';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { TestServer } from './test-server.ts';
import { BUCKET, STORAGE_KINDS, elementText, errorCode, patternBytes, startServer } from './test-server.ts';

const MIB = 1024 ** 2;

describe.each(STORAGE_KINDS)('multipart uploads in %s storage', (kind) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer(kind, { minPartSizeBytes: MIB });
  });
  afterAll(() => server.close());

  const create = async (Key: string, more: object = {}) => {
    const created = await server.client.send(
      new CreateMultipartUploadCommand({ Bucket: BUCKET, Key, ...more }),
    );
    return { Bucket: BUCKET, Key, UploadId: created.UploadId ?? '' };
  };
  type Ref = Awaited<ReturnType<typeof create>>;
  const part = async (ref: Ref, PartNumber: number, Body: Uint8Array, more: object = {}) => {
    const { $metadata: _, ...stored } = await server.client.send(
      new UploadPartCommand({ ...ref, PartNumber, Body, ...more }),
    );
    return { PartNumber, ...stored };
  };
  const complete = (ref: Ref, Parts: object[], more: object = {}) =>
    server.client.send(new CompleteMultipartUploadCommand({ ...ref, MultipartUpload: { Parts }, ...more }));
  const stored = async (Key: string) => {
    const { Body } = await server.client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const listParts = async (ref: Ref) => (await server.client.send(new ListPartsCommand(ref))).Parts ?? [];

  const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest();
  const etagOf = (parts: Uint8Array[]) =>
    `"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}"`;

  test('parts in any order become one object', async () => {
    const bodies = [
      patternBytes(2 * MIB, 1),
      patternBytes(2 * MIB, 2),
      patternBytes(2 * MIB, 3),
      patternBytes(7, 4),
    ];
    const ref = await create('whole ü/1', { ContentType: 'video/mp4', Metadata: { token: 't' } });
    const parts = [];
    for (const number of [3, 1, 4, 2]) parts[number - 1] = await part(ref, number, bodies[number - 1]!);
    const sizeBytes = 6 * MIB + 7;
    const done = await complete(ref, parts, { MpuObjectSize: sizeBytes });
    expect(done).toMatchObject({ Bucket: BUCKET, Key: 'whole ü/1', ETag: etagOf(bodies) });
    expect(done.Location).toBe(`${server.url}/${BUCKET}/whole%20%C3%BC/1`);
    expect(done.VersionId).toBeUndefined();
    expect((await stored('whole ü/1')).equals(Buffer.concat(bodies))).toBe(true);
    const head = await server.client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'whole ü/1' }));
    expect(head).toMatchObject({
      ContentLength: sizeBytes,
      ETag: etagOf(bodies),
      ContentType: 'video/mp4',
      Metadata: { token: 't' },
    });
    await expect(listParts(ref)).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  test.each([
    ['exactly equal parts', [2 * MIB, 2 * MIB, 2 * MIB]],
    ['one part', [3 * MIB]],
    ['one small part', [5]],
    ['one empty part', [0]],
    ['parts of different sizes', [3 * MIB, MIB, 2 * MIB, MIB + 1]],
    ['a last part larger than the others', [MIB, MIB, 2 * MIB]],
  ])('%s', async (name, sizes) => {
    const bodies = sizes.map((size, index) => patternBytes(size, index + 1));
    const ref = await create(name);
    const parts = [];
    for (const [index, body] of bodies.entries()) parts.push(await part(ref, index + 1, body));
    expect((await complete(ref, parts)).ETag).toBe(etagOf(bodies));
    expect((await stored(name)).equals(Buffer.concat(bodies))).toBe(true);
  });

  test('equal parts keep their places', async () => {
    const zeros = Buffer.alloc(MIB);
    const ref = await create('zeros');
    const parts = await Promise.all([1, 2, 3].map((number) => part(ref, number, zeros)));
    await complete(ref, parts, { MpuObjectSize: 3 * MIB });
    expect(await stored('zeros')).toHaveLength(3 * MIB);
  });

  test('a part sent again takes the place of the first', async () => {
    const ref = await create('resent');
    const old = await part(ref, 1, patternBytes(MIB, 1));
    const second = await part(ref, 2, patternBytes(MIB, 2));
    const fresh = await part(ref, 1, patternBytes(MIB, 9));
    expect(await listParts(ref)).toHaveLength(2);
    await expect(complete(ref, [old, second])).rejects.toMatchObject({ name: 'InvalidPart' });
    await complete(ref, [fresh, second]);
    expect((await stored('resent')).equals(Buffer.concat([patternBytes(MIB, 9), patternBytes(MIB, 2)]))).toBe(
      true,
    );
  });

  test('of two senders of one part the last to finish wins', async () => {
    const ref = await create('raced');
    const bodies = [1, 2, 3, 4].map((seed) => patternBytes(MIB, seed));
    await Promise.all(bodies.map((body) => part(ref, 1, body)));
    const [kept] = await listParts(ref);
    await complete(ref, [{ PartNumber: 1, ETag: kept?.ETag }]);
    const object = await stored('raced');
    expect(`"${md5(object).toString('hex')}"`).toBe(kept?.ETag);
  });

  test('parts that the list leaves out are left out', async () => {
    const ref = await create('gaps');
    const bodies = [1, 2, 3, 4].map((seed) => patternBytes(MIB, seed));
    const parts = [];
    for (const [index, body] of bodies.entries()) parts.push(await part(ref, index + 1, body));
    await complete(ref, [parts[0]!, parts[2]!]);
    expect((await stored('gaps')).equals(Buffer.concat([bodies[0]!, bodies[2]!]))).toBe(true);
  });

  test('a refused list leaves the upload as it was', async () => {
    const ref = await create('refused');
    const parts = [await part(ref, 1, patternBytes(MIB, 1)), await part(ref, 2, patternBytes(MIB, 2))];
    const [first, second] = parts;
    const refusal = (list: object[], more: object = {}) =>
      complete(ref, list, more).then(
        () => 'accepted',
        (error: Error) => error.name,
      );
    expect(await refusal([second!, first!])).toBe('InvalidPartOrder');
    expect(await refusal([first!, first!])).toBe('InvalidPartOrder');
    expect(await refusal([first!, { PartNumber: 3, ETag: second!.ETag }])).toBe('InvalidPart');
    expect(await refusal([first!, { PartNumber: 2, ETag: first!.ETag }])).toBe('InvalidPart');
    expect(await refusal([])).toBe('MalformedXML');
    expect(await refusal(parts, { MpuObjectSize: 2 * MIB + 1 })).toBe('InvalidRequest');
    expect(await listParts(ref)).toHaveLength(2);
    await complete(ref, parts);
    expect(await stored('refused')).toHaveLength(2 * MIB);
  });

  test('a small part that is not the last is refused at the end', async () => {
    const ref = await create('small');
    const parts = [await part(ref, 1, patternBytes(MIB - 1)), await part(ref, 2, patternBytes(MIB))];
    await expect(complete(ref, parts)).rejects.toMatchObject({ name: 'EntityTooSmall' });
  });

  test('completing twice answers the same twice; another list is refused', async () => {
    const ref = await create('twice');
    const parts = [await part(ref, 1, patternBytes(MIB)), await part(ref, 2, patternBytes(9))];
    const [one, two] = await Promise.all([complete(ref, parts), complete(ref, parts)]);
    expect(two.ETag).toBe(one.ETag);
    expect((await complete(ref, parts)).ETag).toBe(one.ETag);
    await expect(complete(ref, parts.slice(0, 1))).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(part(ref, 1, patternBytes(MIB))).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  test('aborting after completing harms nothing', async () => {
    const ref = await create('kept');
    await complete(ref, [await part(ref, 1, patternBytes(10))]);
    await server.client.send(new AbortMultipartUploadCommand(ref));
    expect(await stored('kept')).toHaveLength(10);
  });

  test('If-None-Match: * on Complete', async () => {
    await server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'taken', Body: 'first' }));
    const ref = await create('taken');
    const parts = [await part(ref, 1, patternBytes(10))];
    await expect(complete(ref, parts, { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    expect((await stored('taken')).toString()).toBe('first');
    await complete(ref, parts);
    expect(await stored('taken')).toHaveLength(10);
  });

  test('an aborted upload is gone', async () => {
    const ref = await create('aborted');
    const parts = [await part(ref, 1, patternBytes(MIB))];
    await server.client.send(new AbortMultipartUploadCommand(ref));
    await server.client.send(new AbortMultipartUploadCommand(ref));
    const attempts = [() => listParts(ref), () => part(ref, 2, patternBytes(5)), () => complete(ref, parts)];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({ name: 'NoSuchUpload' });
    }
    await expect(stored('aborted')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('unknown uploads, and uploads of another key', async () => {
    const ref = await create('right-key');
    const wrong = [
      { ...ref, UploadId: 'unknown' },
      { ...ref, UploadId: '../../escape' },
      { ...ref, Key: 'wrong-key' },
    ];
    for (const target of wrong) {
      await expect(part(target, 1, patternBytes(5))).rejects.toMatchObject({ name: 'NoSuchUpload' });
      await expect(listParts(target)).rejects.toMatchObject({ name: 'NoSuchUpload' });
      const abort = server.client.send(new AbortMultipartUploadCommand(target));
      await expect(abort).rejects.toMatchObject({ name: 'NoSuchUpload' });
    }
  });

  test.each(['0', '10001', '-1', 'one', '1.5', ''])('part number %j is refused', async (partNumber) => {
    const { UploadId } = await create('numbers');
    const query = { partNumber, uploadId: UploadId };
    const url = await server.presign({ method: 'PUT', path: `/${BUCKET}/numbers`, query });
    expect(await errorCode(await fetch(url, { method: 'PUT', body: 'x' }))).toBe('InvalidArgument');
  });

  test('part number 10,000 is the last', async () => {
    const ref = await create('last-number');
    await part(ref, 10_000, patternBytes(3));
    expect((await listParts(ref))[0]).toMatchObject({ PartNumber: 10_000, Size: 3 });
  });

  test('a body above 5 GiB is refused before it is sent', async () => {
    const { UploadId } = await create('huge');
    const sizeBytes = String(5 * 1024 ** 3 + 1);
    const url = await server.presign({
      method: 'PUT',
      path: `/${BUCKET}/huge`,
      query: { partNumber: '1', uploadId: UploadId },
    });
    const headers = { 'content-length': sizeBytes };
    const answer = await server.s3.fetch(new Request(url, { method: 'PUT', body: 'x', headers }));
    expect(await errorCode(answer)).toBe('EntityTooLarge');
  });

  test('conditions that S3 does not take on Create and UploadPart', async () => {
    const query = { uploads: '' };
    const url = await server.presign({ method: 'POST', path: `/${BUCKET}/conditional`, query });
    const answer = await fetch(url, { method: 'POST', headers: { 'if-none-match': '*' } });
    expect(await errorCode(answer)).toBe('NotImplemented');
  });

  test('ListParts comes in pages', async () => {
    const ref = await create('paged');
    for (const number of [1, 2, 3, 5, 8]) await part(ref, number, patternBytes(number));
    const pages: (number | undefined)[][] = [];
    let marker: string | undefined;
    do {
      const page = await server.client.send(
        new ListPartsCommand({ ...ref, MaxParts: 2, PartNumberMarker: marker }),
      );
      pages.push((page.Parts ?? []).map((listed) => listed.PartNumber));
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    expect(pages).toEqual([[1, 2], [3, 5], [8]]);
  });

  test('a page of ListParts holds 1,000 at most', async () => {
    const ref = await create('many');
    const numbers = Array.from({ length: 1_001 }, (_, index) => index + 1);
    await Promise.all(numbers.map((number) => part(ref, number, patternBytes(1))));
    const page = await server.client.send(new ListPartsCommand({ ...ref, MaxParts: 5_000 }));
    expect(page).toMatchObject({ MaxParts: 1_000, IsTruncated: true, NextPartNumberMarker: '1000' });
    expect(page.Parts).toHaveLength(1_000);
  });

  test('ListMultipartUploads by key and time, in pages, with prefix and delimiter', async () => {
    const refs = [];
    for (const key of ['list/b', 'list/a', 'list/a', 'list/c/1', 'list/c/2']) refs.push(await create(key));
    const [b, a1, a2, c1, c2] = refs.map((ref) => ref.UploadId);
    const list = (more: object) =>
      server.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: 'list/', ...more }));
    const all = await list({});
    expect(all.Uploads?.map((upload) => upload.UploadId)).toEqual([a1, a2, b, c1, c2]);
    expect(all.IsTruncated).toBe(false);

    const seen: (string | undefined)[] = [];
    let markers: object | undefined = {};
    while (markers !== undefined) {
      const page: Awaited<ReturnType<typeof list>> = await list({ MaxUploads: 1, ...markers });
      seen.push(...(page.Uploads ?? []).map((upload) => upload.UploadId));
      markers =
        page.IsTruncated === true
          ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
          : undefined;
    }
    expect(seen).toEqual([a1, a2, b, c1, c2]);

    const rolled = await list({ Delimiter: '/' });
    expect(rolled.CommonPrefixes?.map((common) => common.Prefix)).toEqual(['list/c/']);
    for (const ref of refs) await server.client.send(new AbortMultipartUploadCommand(ref));
    expect((await list({})).Uploads ?? []).toEqual([]);
  });

  test('a presigned part takes exactly the signed length', async () => {
    const { UploadId } = await create('signed-length');
    const url = await server.presign({
      method: 'PUT',
      path: `/${BUCKET}/signed-length`,
      query: { partNumber: '1', uploadId: UploadId },
      headers: { 'content-length': '5' },
    });
    expect(await errorCode(await fetch(url, { method: 'PUT', body: '123456' }))).toBe(
      'SignatureDoesNotMatch',
    );
    expect(await errorCode(await fetch(url, { method: 'PUT', body: '1234' }))).toBe('SignatureDoesNotMatch');
    expect((await fetch(url, { method: 'PUT', body: '12345' })).status).toBe(200);
  });

  test('malformed lists', async () => {
    const { UploadId } = await create('malformed');
    const url = await server.presign({
      method: 'POST',
      path: `/${BUCKET}/malformed`,
      query: { uploadId: UploadId },
    });
    const bodies = [
      '',
      'no xml',
      '<CompleteMultipartUpload>',
      '<Other/>',
      '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>',
      '<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>"e"</ETag></Part></CompleteMultipartUpload>',
      '<CompleteMultipartUpload><Part/></CompleteMultipartUpload>',
      `${'<CompleteMultipartUpload>'.repeat(500)}${'</CompleteMultipartUpload>'.repeat(500)}`,
      '<!DOCTYPE x [<!ENTITY e "1">]><CompleteMultipartUpload><Part><PartNumber>&e;</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>',
    ];
    for (const body of bodies) {
      expect(await errorCode(await fetch(url, { method: 'POST', body }))).toBe('MalformedXML');
    }
  });

  test('ETags are taken with quotes and without', async () => {
    const ref = await create('unquoted');
    const { ETag } = await part(ref, 1, patternBytes(5));
    const url = await server.presign({
      method: 'POST',
      path: `/${BUCKET}/unquoted`,
      query: { uploadId: ref.UploadId },
    });
    const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber><ETag>${ETag?.replaceAll('"', '')}</ETag></Part></CompleteMultipartUpload>`;
    const answer = await fetch(url, { method: 'POST', body });
    expect(elementText(await answer.text(), 'ETag')).toBe(
      etagOf([patternBytes(5)]).replaceAll('"', '&quot;'),
    );
  });

  describe('checksums', () => {
    const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME'] as const;

    test.each(algorithms)('%s of the whole follows from the parts and is compared', async (algorithm) => {
      const name = `Checksum${algorithm}` as const;
      const bodies = [patternBytes(MIB + 3, 1), patternBytes(MIB, 2), patternBytes(17, 3)];
      const whole = await server.client.send(
        new PutObjectCommand({
          Bucket: BUCKET,
          Key: 'reference',
          Body: Buffer.concat(bodies),
          ChecksumAlgorithm: algorithm,
        }),
      );
      const ref = await create(`full-${algorithm}`, {
        ChecksumAlgorithm: algorithm,
        ChecksumType: 'FULL_OBJECT',
      });
      const parts = [];
      for (const [index, body] of bodies.entries()) {
        // The SDK computes the first; the server has to compute those that are not sent.
        const more = index === 0 ? { ChecksumAlgorithm: algorithm } : {};
        parts.push(await part(ref, index + 1, body, more));
      }
      for (const listed of parts) expect(listed[name]).toMatch(/=$/);
      expect(await listParts(ref)).toMatchObject(parts.map((listed) => ({ [name]: listed[name] })));
      const wrong = { [name]: parts[0]![name], ChecksumType: 'FULL_OBJECT' };
      await expect(complete(ref, parts, wrong)).rejects.toMatchObject({ name: 'BadDigest' });
      await expect(complete(ref, parts, { ChecksumType: 'COMPOSITE' })).rejects.toMatchObject({
        name: 'BadDigest',
      });
      const done = await complete(ref, parts, { [name]: whole[name], ChecksumType: 'FULL_OBJECT' });
      expect(done[name]).toBe(whole[name]);
      expect(done.ChecksumType).toBe('FULL_OBJECT');
      const head = await server.client.send(
        new HeadObjectCommand({ Bucket: BUCKET, Key: ref.Key, ChecksumMode: 'ENABLED' }),
      );
      expect(head[name]).toBe(whole[name]);
      expect(head.ChecksumType).toBe('FULL_OBJECT');
    });

    test('COMPOSITE SHA256 wants every part’s value and says how many parts there are', async () => {
      const ref = await create('composite', { ChecksumAlgorithm: 'SHA256' });
      const bodies = [patternBytes(MIB, 1), patternBytes(5, 2)];
      await expect(part(ref, 1, bodies[0]!)).rejects.toMatchObject({ name: 'InvalidRequest' });
      const parts = [];
      for (const [index, body] of bodies.entries()) {
        parts.push(await part(ref, index + 1, body, { ChecksumAlgorithm: 'SHA256' }));
      }
      const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
      await expect(complete(ref, bare)).rejects.toMatchObject({ name: 'InvalidRequest' });
      const swapped = [parts[0]!, { ...parts[1]!, ChecksumSHA256: parts[0]!.ChecksumSHA256 }];
      await expect(complete(ref, swapped)).rejects.toMatchObject({ name: 'InvalidPart' });
      const digest = createHash('sha256');
      for (const body of bodies) digest.update(createHash('sha256').update(body).digest());
      const done = await complete(ref, parts);
      expect(done.ChecksumSHA256).toBe(`${digest.digest('base64')}-2`);
      expect(done.ChecksumType).toBe('COMPOSITE');
    });

    test('a part with another algorithm than the declared one, or with one where none was', async () => {
      const declared = await create('declared', { ChecksumAlgorithm: 'CRC32' });
      await expect(part(declared, 1, patternBytes(5), { ChecksumAlgorithm: 'CRC32C' })).rejects.toMatchObject(
        {
          name: 'InvalidRequest',
        },
      );
      const plain = await create('undeclared');
      await expect(part(plain, 1, patternBytes(5), { ChecksumAlgorithm: 'CRC32C' })).rejects.toMatchObject({
        name: 'InvalidRequest',
      });
      const parts = [await part(plain, 1, patternBytes(5))];
      await expect(complete(plain, parts, { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({
        name: 'InvalidRequest',
      });
    });

    test('a part whose bytes are not what its checksum says is not kept', async () => {
      const ref = await create('corrupt', { ChecksumAlgorithm: 'CRC64NVME' });
      const wrong = part(ref, 1, patternBytes(5), { ChecksumCRC64NVME: 'AAAAAAAAAAA=' });
      await expect(wrong).rejects.toMatchObject({ name: 'BadDigest' });
      expect(await listParts(ref)).toEqual([]);
    });

    test.each([
      ['SHA256', 'FULL_OBJECT'],
      ['CRC64NVME', 'COMPOSITE'],
      [undefined, 'FULL_OBJECT'],
    ])('%s with %s is refused', async (ChecksumAlgorithm, ChecksumType) => {
      await expect(create('impossible', { ChecksumAlgorithm, ChecksumType })).rejects.toMatchObject({
        name: 'InvalidRequest',
      });
    });

    test('with checksums the numbers must run from 1 without gaps', async () => {
      const ref = await create('numbered', { ChecksumAlgorithm: 'CRC64NVME' });
      const parts = [await part(ref, 1, patternBytes(MIB)), await part(ref, 3, patternBytes(5))];
      await expect(complete(ref, parts)).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
    });
  });
});

test('the 5 MiB rule is the default', async () => {
  const server = await startServer('memory');
  const target = { Bucket: BUCKET, Key: 'strict' };
  const { UploadId } = await server.client.send(new CreateMultipartUploadCommand(target));
  const parts = [];
  for (const [index, sizeBytes] of [5 * MIB - 1, 1].entries()) {
    const PartNumber = index + 1;
    const Body = Buffer.alloc(sizeBytes);
    const { ETag } = await server.client.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber, Body }),
    );
    parts.push({ PartNumber, ETag });
  }
  const completing = server.client.send(
    new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } }),
  );
  await expect(completing).rejects.toMatchObject({ name: 'EntityTooSmall', MinSizeAllowed: '5242880' });
  await server.close();
});
