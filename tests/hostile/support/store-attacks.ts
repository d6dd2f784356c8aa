import { randomBytes } from 'node:crypto';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import type { CreateUploadResponse, Grant, PartToSign, Receipt, UploadStatus } from '@longhaul/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused } from './expect-refused.ts';
import { type HostileWorld, missingFor, openWorld, type StoreName } from './world.ts';

const MIB = 1024 ** 2;
const multipart = { sizeBytes: 6 * MIB, mode: 'multipart', partSizeBytes: 5 * MIB } as const;

/** What a client can try with its URLs and with what it says of them, on a real store. */
export function describeStoreAttacks(store: StoreName): void {
  const missing = missingFor(store);
  describe.skipIf(missing !== '')(`${store}${missing && ` (needs ${missing})`}`, () => {
    let world: HostileWorld;
    beforeAll(async () => {
      world = await openWorld(store);
    });
    afterAll(() => world.close());

    const pathOf = ({ uploadId }: CreateUploadResponse, call = ''): string =>
      `/v1/uploads/${uploadId}${call}`;
    const sign = async (
      upload: CreateUploadResponse,
      parts: readonly PartToSign[],
    ): Promise<readonly Grant[]> => {
      const { text } = await world.call('POST', pathOf(upload, '/parts'), {
        token: upload.token,
        body: { report: [], sign: parts },
      });
      return (JSON.parse(text) as { grants: readonly Grant[] }).grants;
    };
    const report = (upload: CreateUploadResponse, receipts: readonly Receipt[]) =>
      world.call('POST', pathOf(upload, '/parts'), {
        token: upload.token,
        body: { report: receipts, sign: [] },
      });
    const stateOf = async (upload: CreateUploadResponse): Promise<UploadStatus> =>
      JSON.parse((await world.call('GET', pathOf(upload), { token: upload.token })).text) as UploadStatus;
    const read = async (key: string): Promise<Buffer> => {
      const { Body } = await world.client.send(new GetObjectCommand({ Bucket: world.bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    };
    const sendAll = async (upload: CreateUploadResponse, content: Buffer): Promise<void> => {
      const grants = await sign(upload, [
        { partNumber: 1, sizeBytes: 5 * MIB },
        { partNumber: 2, sizeBytes: content.byteLength - 5 * MIB },
      ]);
      for (const grant of grants) {
        const bytes = content.subarray((grant.partNumber - 1) * 5 * MIB, grant.partNumber * 5 * MIB);
        const { status, etag } = await put(grant, bytes);
        expect(status).toBe(200);
        await report(upload, [{ partNumber: grant.partNumber, sizeBytes: bytes.byteLength, etag }]);
      }
    };

    describe('a URL', () => {
      it('takes no part of another length than was signed', async () => {
        const upload = await world.create(multipart);
        const [grant] = await sign(upload, [{ partNumber: 2, sizeBytes: MIB }]);
        for (const sizeBytes of [MIB + 1, MIB - 1, 0, 2 * MIB])
          expect((await put(grant!, randomBytes(sizeBytes))).status).toBe(403);
        const before = await world.effects();
        await expectRefused(
          world,
          ['POST', pathOf(upload, '/complete'), { token: upload.token }],
          'parts-missing',
        );
        expect(await world.effects()).toEqual(before);
      });

      it('takes no other part, no other object, no other method, and no header more', async () => {
        const upload = await world.create(multipart);
        const other = await world.create(multipart);
        const [grant] = await sign(upload, [{ partNumber: 2, sizeBytes: MIB }]);
        const bytes = randomBytes(MIB);
        const before = await world.effects();
        for (const change of [
          (url: string) => url.replace('partNumber=2', 'partNumber=1'),
          (url: string) => url.replace(upload.uploadId, other.uploadId),
          (url: string) => url.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=604800'),
          (url: string) => url.replace(/X-Amz-SignedHeaders=[^&]*/, 'X-Amz-SignedHeaders=host'),
          (url: string) => url.replace(/&x-id=[^&]*|X-Amz-Signature=\w{8}/, 'X-Amz-Signature=00000000'),
        ])
          expect((await put({ ...grant!, url: change(grant!.url) }, bytes)).status).toBe(403);
        expect((await fetch(grant!.url, { method: 'DELETE' })).status).toBe(403);
        expect((await fetch(grant!.url)).status).toBe(403);
        expect(await world.effects()).toEqual(before);
      });

      it('of a single PUT stores once: what is replayed is refused, and the object stays', async () => {
        const content = randomBytes(1_000);
        const upload = await world.create({ sizeBytes: content.byteLength });
        const [grant] = upload.grants;
        expect((await put(grant!, content)).status).toBe(200);
        const done = await world.call('POST', pathOf(upload, '/complete'), { token: upload.token });
        expect(done.status).toBe(200);
        const replayed = await put(grant!, randomBytes(1_000));
        expect([403, 409, 412]).toContain(replayed.status);
        // Without the header that forbids it, it is another request than was signed.
        const { 'if-none-match': _, ...bare } = grant!.headers;
        expect((await put({ ...grant!, headers: bare }, randomBytes(1_000))).status).toBe(403);
        expect(await read(`connectors/default/${upload.uploadId}`)).toEqual(content);
      });

      it('of a single PUT keeps its type, its token and its length', async () => {
        const upload = await world.create({ sizeBytes: 10, contentType: 'image/png' });
        const [grant] = upload.grants;
        const before = await world.effects();
        for (const headers of [
          { 'content-type': 'text/html' },
          { 'x-amz-meta-longhaul-write-token': '0'.repeat(32) },
          { 'x-amz-meta-original-name': 'other' },
        ])
          expect(
            (await put({ ...grant!, headers: { ...grant!.headers, ...headers } }, randomBytes(10))).status,
          ).toBe(403);
        expect((await put(grant!, randomBytes(11))).status).toBe(403);
        expect(await world.effects()).toEqual(before);
      });
    });

    describe('a report', () => {
      const lies: [string, Receipt[]][] = [
        [
          'of parts that were never sent',
          [
            { partNumber: 1, sizeBytes: 5 * MIB, etag: '"deadbeefdeadbeefdeadbeefdeadbeef"' },
            { partNumber: 2, sizeBytes: MIB, etag: '"deadbeefdeadbeefdeadbeefdeadbeef"' },
          ],
        ],
        [
          'without any ETag',
          [
            { partNumber: 1, sizeBytes: 5 * MIB },
            { partNumber: 2, sizeBytes: MIB },
          ],
        ],
        [
          'with XML for an ETag',
          [
            {
              partNumber: 1,
              sizeBytes: 5 * MIB,
              etag: '"</ETag></Part><Part><PartNumber>2</PartNumber><ETag>"',
            },
            { partNumber: 2, sizeBytes: MIB, etag: '"x"' },
          ],
        ],
      ];
      it.each(lies)('%s completes nothing, and the upload stays open', async (_what, receipts) => {
        const upload = await world.create(multipart);
        expect((await report(upload, receipts)).status).toBe(200);
        const before = await world.effects();
        const { status, problem } = await world.call('POST', pathOf(upload, '/complete'), {
          token: upload.token,
        });
        expect({ status, code: problem.code }).toEqual({ status: 409, code: 'parts-missing' });
        expect((await stateOf(upload)).state).toBe('UPLOADING');
        expect(await world.effects()).toEqual(before);
        expect(world.reported).toEqual([]);
      });

      it('that changes ETags of parts that are there harms only who tells it, and the object is whole', async () => {
        const content = randomBytes(6 * MIB);
        const upload = await world.create(multipart);
        await sendAll(upload, content);
        await report(upload, [
          { partNumber: 1, sizeBytes: 5 * MIB, etag: '"00000000000000000000000000000000"' },
        ]);
        for (let tries = 0; tries < 3; tries += 1) {
          const { status } = await world.call('POST', pathOf(upload, '/complete'), { token: upload.token });
          if (status === 200) break;
          await sendAll(upload, content);
        }
        expect((await stateOf(upload)).state).toBe('COMPLETED');
        expect((await read(`connectors/default/${upload.uploadId}`)).equals(content)).toBe(true);
      });

      it('that is replayed, before and after the end, changes nothing', async () => {
        const content = randomBytes(6 * MIB);
        const upload = await world.create(multipart);
        await sendAll(upload, content);
        const receipts = [{ partNumber: 1, sizeBytes: 5 * MIB }];
        for (let count = 0; count < 5; count += 1)
          expect(JSON.parse((await report(upload, receipts)).text)).toMatchObject({ receivedCount: 2 });
        expect((await world.call('POST', pathOf(upload, '/complete'), { token: upload.token })).status).toBe(
          200,
        );
        const before = await world.effects();
        await expectRefused(
          world,
          ['POST', pathOf(upload, '/parts'), { token: upload.token, body: { report: receipts, sign: [] } }],
          'upload-completed',
        );
        expect((await world.call('DELETE', pathOf(upload), { token: upload.token })).status).toBe(200);
        expect((await world.call('POST', pathOf(upload, '/complete'), { token: upload.token })).status).toBe(
          200,
        );
        expect(await world.effects()).toEqual(before);
      });
    });

    it('a size that is told at the end, and is not that of the parts, completes nothing', async () => {
      const upload = await world.create({ sizeBytes: null, partSizeBytes: 5 * MIB });
      const [grant] = await sign(upload, [{ partNumber: 1, sizeBytes: MIB }]);
      const { etag } = await put(grant!, randomBytes(MIB));
      await report(upload, [{ partNumber: 1, sizeBytes: MIB, etag }]);
      for (const sizeBytes of [0, MIB - 1, MIB + 1, 48 * 1024 ** 4]) {
        const { status } = await world.call('POST', pathOf(upload, '/complete'), {
          token: upload.token,
          body: { sizeBytes },
        });
        expect(status).toBe(409);
      }
      expect((await stateOf(upload)).state).toBe('UPLOADING');
    });

    it('ten thousand parts to sign are signed in calls of a thousand, and no part more', async () => {
      const upload = await world.create({
        sizeBytes: 10_000 * 5 * MIB,
        mode: 'multipart',
        partSizeBytes: 5 * MIB,
      });
      for (let first = 1; first <= 10_000; first += 1_000) {
        const wanted = Array.from({ length: 1_000 }, (_, index) => ({
          partNumber: first + index,
          sizeBytes: 5 * MIB,
        }));
        expect(await sign(upload, wanted)).toHaveLength(1_000);
      }
      const one = { partNumber: 10_001, sizeBytes: 5 * MIB };
      await expectRefused(
        world,
        ['POST', pathOf(upload, '/parts'), { token: upload.token, body: { sign: [one] } }],
        'part-number-out-of-range',
      );
      const tiny = { partNumber: 1, sizeBytes: 1 };
      await expectRefused(
        world,
        ['POST', pathOf(upload, '/parts'), { token: upload.token, body: { sign: [tiny] } }],
        'part-size-mismatch',
      );
    });

    it.each([
      ['text/plain;  charset=utf-8', 'text/plain;  charset=utf-8'],
      ['text/plain\t;\t \tcharset=utf-8', 'text/plain ; charset=utf-8'],
      ['a/b; x="one  two"', 'a/b; x="one  two"'],
    ])('a content type with the blanks of %j is signed as it is sent', async (contentType, kept) => {
      for (const mode of ['multipart', 'single'] as const) {
        const content = randomBytes(6 * MIB);
        const upload = await world.create({ ...multipart, mode, contentType });
        if (mode === 'single') expect((await put(upload.grants[0]!, content)).status).toBe(200);
        else await sendAll(upload, content);
        expect((await world.call('POST', pathOf(upload, '/complete'), { token: upload.token })).status).toBe(
          200,
        );
        const Key = `connectors/default/${upload.uploadId}`;
        const head = await world.client.send(new HeadObjectCommand({ Bucket: world.bucket, Key }));
        expect(head.ContentType).toBe(kept);
      }
    });
  });
}

async function put(grant: Grant, bytes: Buffer, tries = 5): Promise<{ status: number; etag: string }> {
  try {
    const response = await fetch(grant.url, {
      method: 'PUT',
      headers: { ...grant.headers },
      body: Buffer.from(bytes),
    });
    await response.arrayBuffer();
    return { status: response.status, etag: response.headers.get('etag') ?? '"none"' };
  } catch (error) {
    // A store that refuses before it has read the body cuts the connection, and its answer may be lost in that.
    if (tries === 1 || !isCut(error)) throw error;
    return await put(grant, bytes, tries - 1);
  }
}

function isCut(error: unknown): boolean {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return cause?.code === 'ECONNRESET' || cause?.code === 'EPIPE';
}
