import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  begin,
  bytesOf,
  complete,
  expectStored,
  FIVE_MIB,
  GRANT_SECONDS,
  listed,
  newObject,
  type ObjectStoreHarness,
  putPart,
  putParts,
  sameBytes,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** From Create to Complete or Abort. */
export function describeMultipart(setUp: SetUpObjectStore): void {
  describe('multipart', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    it('builds the object of its parts, with type and metadata', async () => {
      const { objectStore } = harness;
      const bodies = [bytesOf(FIVE_MIB, 1), bytesOf(FIVE_MIB, 2), bytesOf(1, 3)];
      const metadata = { 'node-id': 'n-1', 'original-name': '%F0%9F%9A%9A%20%C3%A4.bin' };
      const ref = await begin(objectStore, { contentType: 'video/mp4', metadata });
      const parts = await putParts(harness, ref, bodies);
      expect(await objectStore.listParts(ref)).toEqual(listed(parts));
      expect(await objectStore.headObject(ref)).toBeUndefined();

      const object = await expectStored(objectStore, ref.key, await complete(objectStore, ref, parts));
      expect(object).toMatchObject({ sizeBytes: 2 * FIVE_MIB + 1, contentType: 'video/mp4', metadata });
      expect(object.etag).toMatch(/^"[^"]+-3"$/);
      expect(sameBytes(await harness.read(ref.key), Buffer.concat(bodies))).toBe(true);
      expect(await objectStore.listParts(ref)).toBeUndefined();
    });

    it('keeps every one of several equal parts', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const zeros = new Uint8Array(FIVE_MIB);
      const parts = await putParts(harness, ref, [zeros, zeros, zeros]);
      expect(new Set(parts.map(({ etag }) => etag)).size).toBe(1);

      const object = await expectStored(objectStore, ref.key, await complete(objectStore, ref, parts));
      expect(object.sizeBytes).toBe(3 * FIVE_MIB);
    });

    it('takes one empty part', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const parts = await putParts(harness, ref, [new Uint8Array(0)]);

      const object = await expectStored(objectStore, ref.key, await complete(objectStore, ref, parts));
      expect(object.sizeBytes).toBe(0);
      expect(await harness.read(ref.key)).toHaveLength(0);
    });

    it('replaces a part that is sent again, and refuses its old ETag', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const old = await putPart(harness, ref, { partNumber: 1, body: bytesOf(100, 1) });
      const current = await putPart(harness, ref, { partNumber: 1, body: bytesOf(90, 2) });
      expect(await objectStore.listParts(ref)).toEqual(listed([current]));

      expect(await complete(objectStore, ref, [old])).toMatchObject({
        kind: 'refused',
        s3Code: 'InvalidPart',
      });
      await expectStored(objectStore, ref.key, await complete(objectStore, ref, [current]));
      expect(sameBytes(await harness.read(ref.key), bytesOf(90, 2))).toBe(true);
    });

    it('minds the end of a body that is cut', async () => {
      const { objectStore, sendCut } = harness;
      const { contentMd5, refusesCutBodies } = objectStore.profile;
      const ref = await begin(objectStore);
      const body = bytesOf(FIVE_MIB, 1);
      const sign = { ...ref, sizeBytes: FIVE_MIB, expiresInSeconds: GRANT_SECONDS };
      if (contentMd5) {
        const checksum = {
          algorithm: 'MD5',
          value: createHash('md5').update(body).digest('base64'),
        } as const;
        await sendCut(await objectStore.signPart({ ...sign, partNumber: 1, checksum }), body);
        expect(await objectStore.listParts(ref)).toEqual([]);
      }
      await sendCut(await objectStore.signPart({ ...sign, partNumber: 2 }), body);
      // What is kept of it looks like a whole part.
      const kept = [expect.objectContaining({ partNumber: 2, sizeBytes: FIVE_MIB })];
      expect(await objectStore.listParts(ref)).toEqual(refusesCutBodies ? [] : kept);
    });

    it('puts parts in the order of their numbers, whichever came first', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const second = await putPart(harness, ref, { partNumber: 2, body: bytesOf(FIVE_MIB, 2) });
      const first = await putPart(harness, ref, { partNumber: 1, body: bytesOf(FIVE_MIB, 1) });
      const outcome = await complete(objectStore, ref, [second, first]);
      if (objectStore.profile.refusesPartOrder) {
        expect(outcome).toMatchObject({ kind: 'refused', s3Code: 'InvalidPartOrder' });
        await complete(objectStore, ref, [first, second]);
      }
      const whole = Buffer.concat([bytesOf(FIVE_MIB, 1), bytesOf(FIVE_MIB, 2)]);
      expect(sameBytes(await harness.read(ref.key), whole)).toBe(true);
    });

    it('takes parts of other sizes than the first, unless it says that it wants equal ones', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const bodies = [bytesOf(FIVE_MIB, 1), bytesOf(FIVE_MIB + 1, 2), bytesOf(FIVE_MIB, 3), bytesOf(7, 4)];
      const parts = await putParts(harness, ref, bodies);
      const outcome = await complete(objectStore, ref, parts);
      if (objectStore.profile.equalParts) {
        expect(outcome).toMatchObject({ kind: 'refused', s3Code: 'InvalidPart' });
        return;
      }
      await expectStored(objectStore, ref.key, outcome);
      expect(sameBytes(await harness.read(ref.key), Buffer.concat(bodies))).toBe(true);
    });

    it('refuses a small part before the last, and stays open', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const parts = await putParts(harness, ref, [bytesOf(FIVE_MIB - 1, 1), bytesOf(1, 2)]);
      expect(await complete(objectStore, ref, parts)).toMatchObject({
        kind: 'refused',
        s3Code: 'EntityTooSmall',
      });
      expect(await objectStore.headObject(ref)).toBeUndefined();
      expect(await objectStore.listParts(ref)).toHaveLength(2);
    });

    it('refuses parts that were never stored', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const [first] = await putParts(harness, ref, [bytesOf(FIVE_MIB, 1)]);
      const absent = { partNumber: 2, sizeBytes: 1, etag: '"00000000000000000000000000000000"' };
      expect(await complete(objectStore, ref, [first!, absent])).toMatchObject({
        kind: 'refused',
        s3Code: 'InvalidPart',
      });
      expect(await objectStore.headObject(ref)).toBeUndefined();
    });

    it('compares the size of the whole', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const parts = await putParts(harness, ref, [bytesOf(10, 1)]);
      const outcome = await complete(objectStore, ref, parts, { sizeBytes: 11 });
      if (objectStore.profile.verifiesObjectSize) {
        expect(outcome).toMatchObject({ kind: 'refused', s3Code: 'InvalidRequest' });
        expect(await objectStore.headObject(ref)).toBeUndefined();
        await expectStored(objectStore, ref.key, await complete(objectStore, ref, parts));
      } else {
        await expectStored(objectStore, ref.key, outcome);
      }
    });

    it('answers a second Complete', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const parts = await putParts(harness, ref, [bytesOf(10, 1)]);
      const { etag } = await expectStored(objectStore, ref.key, await complete(objectStore, ref, parts));

      const second = await complete(objectStore, ref, parts);
      const { completeIdempotent } = objectStore.profile;
      expect(second).toMatchObject(completeIdempotent ? { kind: 'stored', etag } : { kind: 'unknown' });
      expect(await objectStore.headObject(ref)).toMatchObject({ etag, sizeBytes: 10 });
    });

    it('overwrites no object on Complete', async () => {
      const { objectStore, trusting } = harness;
      const ref = await begin(objectStore);
      const parts = await putParts(harness, ref, [bytesOf(10, 1)]);
      const put = await objectStore.putObject({ ...newObject({ key: ref.key }), body: bytesOf(5, 2) });
      expect(put.kind).toBe('stored');

      const outcome = await complete(trusting, ref, parts);
      if (objectStore.profile.completeIfNoneMatch) {
        expect(outcome).toEqual({ kind: 'unknown', reason: expect.stringContaining('PreconditionFailed') });
        expect(await objectStore.headObject(ref)).toMatchObject({ sizeBytes: 5 });
      } else {
        expect(await objectStore.headObject(ref)).toMatchObject({ sizeBytes: 10 });
      }
    });

    it('ends by Abort, as often as it is asked', async () => {
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const parts = await putParts(harness, ref, [bytesOf(10, 1)]);
      await objectStore.abortMultipartUpload(ref);
      expect(await objectStore.listParts(ref)).toBeUndefined();
      await objectStore.abortMultipartUpload(ref);
      expect(await objectStore.listMultipartUploads({ prefix: ref.key })).toEqual([]);

      expectGone(objectStore.profile, await complete(objectStore, ref, parts));
      expect(await objectStore.headObject(ref)).toBeUndefined();
    });

    it('does not know an upload id that it never gave', async () => {
      const { objectStore } = harness;
      const { key } = newObject();
      const open = await begin(objectStore, { key });
      const [part] = await putParts(harness, open, [bytesOf(10, 1)]);
      const ref = { key, s3UploadId: madeUpLike(open.s3UploadId) };
      expect(await objectStore.listParts(ref)).toBeUndefined();
      expectGone(objectStore.profile, await complete(objectStore, ref, [part!]));
      await objectStore.abortMultipartUpload(ref);
      expect(await objectStore.listParts(open)).toEqual(listed([part!]));
    });
  });
}

function expectGone(
  { unknownUploadIs404 }: ObjectStoreHarness['objectStore']['profile'],
  outcome: Awaited<ReturnType<typeof complete>>,
): void {
  const named = expect.stringContaining('NoSuchUpload');
  expect(outcome).toEqual({
    kind: 'unknown',
    reason: unknownUploadIs404 ? named : expect.not.stringContaining('NoSuchUpload'),
  });
}

/** An id of the same form with its last characters changed. */
function madeUpLike(s3UploadId: string): string {
  return s3UploadId.slice(0, -4) + (s3UploadId.endsWith('0000') ? '1111' : '0000');
}
