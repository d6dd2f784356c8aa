import type { Grant } from '@longhaul/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewObject } from '../ports/object-store.ts';
import {
  begin,
  bytesOf,
  complete,
  expectStored,
  GRANT_SECONDS,
  newObject,
  type ObjectStoreHarness,
  passSeconds,
  putParts,
  sameBytes,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** What a presigned URL allows, and what it does not. */
export function describeGrants(setUp: SetUpObjectStore): void {
  describe('grants', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    async function signTen(object: NewObject): Promise<Grant> {
      return harness.objectStore.signPut({ ...object, sizeBytes: 10, expiresInSeconds: GRANT_SECONDS });
    }

    it('names no header that a browser forbids, and how long it lives', async () => {
      const whole = await signTen(newObject({ metadata: { 'node-id': 'n-1' } }));
      const part = await harness.objectStore.signPart({
        ...(await begin(harness.objectStore)),
        partNumber: 7,
        sizeBytes: 10,
        expiresInSeconds: GRANT_SECONDS,
      });
      expect(whole).toMatchObject({ partNumber: 1, expiresInSeconds: GRANT_SECONDS });
      expect(part).toMatchObject({ partNumber: 7, expiresInSeconds: GRANT_SECONDS, headers: {} });
      expect(whole.headers).toMatchObject({
        'content-type': 'application/x-longhaul',
        'x-amz-meta-node-id': 'n-1',
      });
      expect(Object.keys(whole.headers)).not.toContain('content-length');
      expect(Object.keys(whole.headers)).not.toContain('host');
    });

    it('stores a whole object with its type and metadata', async () => {
      const { objectStore, send } = harness;
      const object = newObject({ contentType: 'image/png', metadata: { 'original-name': '%C3%A4.png' } });
      const answer = await send(await signTen(object), bytesOf(10, 1));
      const head = await objectStore.headObject(object);
      expect(answer).toMatchObject({ status: 200, etag: head?.etag });
      expect(head).toMatchObject({ sizeBytes: 10, contentType: 'image/png', metadata: object.metadata });
    });

    it('stores an empty whole object', async () => {
      const { objectStore, send } = harness;
      const object = newObject();
      const grant = await objectStore.signPut({ ...object, sizeBytes: 0, expiresInSeconds: GRANT_SECONDS });
      expect(await send(grant, new Uint8Array(0))).toMatchObject({ status: 200 });
      expect(await objectStore.headObject(object)).toMatchObject({ sizeBytes: 0 });
    });

    it('takes no other length', async () => {
      const { objectStore, send } = harness;
      const object = newObject();
      const ref = await begin(objectStore);
      for (const sizeBytes of [9, 11]) {
        expect(await send(await signTen(object), bytesOf(sizeBytes, 1))).toMatchObject({ status: 403 });
        const part = await objectStore.signPart({
          ...ref,
          partNumber: 1,
          sizeBytes: 10,
          expiresInSeconds: GRANT_SECONDS,
        });
        expect(await send(part, bytesOf(sizeBytes, 1))).toMatchObject({ status: 403 });
      }
      expect(await objectStore.headObject(object)).toBeUndefined();
      expect(await objectStore.listParts(ref)).toEqual([]);
    });

    it('takes no other type and no other metadata', async () => {
      const { objectStore, send } = harness;
      const object = newObject({ metadata: { 'write-token': 'ours' } });
      // MinIO says 400 to a header that is not signed, or is signed and missing, and AccessDenied all the same.
      const refused = { status: expect.toBeOneOf([400, 403]), s3Code: expect.any(String) };
      const body = bytesOf(10, 1);
      expect(await send(await signTen(object), body, { 'content-type': 'text/html' })).toMatchObject(refused);
      expect(await send(await signTen(object), body, { 'x-amz-meta-write-token': 'theirs' })).toMatchObject(
        refused,
      );
      for (const name of ['content-type', 'x-amz-meta-write-token']) {
        expect(await send(without(await signTen(object), name), body)).toMatchObject(refused);
      }
      expect(await objectStore.headObject(object)).toBeUndefined();
    });

    it('minds x-amz-* headers that nobody signed', async () => {
      const { objectStore, send } = harness;
      const object = newObject();
      const answer = await send(await signTen(object), bytesOf(10, 1), { 'x-amz-meta-smuggled': 'yes' });
      if (objectStore.profile.refusesUnsignedHeaders) {
        expect(answer).toMatchObject({ s3Code: 'AccessDenied' });
        expect(await objectStore.headObject(object)).toBeUndefined();
      } else {
        expect(answer).toMatchObject({ status: 200 });
      }
    });

    it('is good for its own key and part only', async () => {
      const { objectStore, send } = harness;
      const ref = await begin(objectStore);
      const part = { ...ref, partNumber: 1, sizeBytes: 10, expiresInSeconds: GRANT_SECONDS };
      const grant = await objectStore.signPart(part);
      const otherPart = { ...grant, url: grant.url.replace('partNumber=1', 'partNumber=2') };
      const otherKey = { ...grant, url: grant.url.replace(ref.key, newObject().key) };
      const longer = { ...grant, url: grant.url.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=86400') };
      for (const forged of [otherPart, otherKey, longer]) {
        expect(forged.url).not.toBe(grant.url);
        expect(await send(forged, bytesOf(10, 1))).toMatchObject({
          status: 403,
          s3Code: 'SignatureDoesNotMatch',
        });
      }
      expect(await objectStore.listParts(ref)).toEqual([]);
    });

    it('ends', async () => {
      const { objectStore, send } = harness;
      const object = newObject();
      const grant = await objectStore.signPut({ ...object, sizeBytes: 10, expiresInSeconds: 1 });
      expect(grant.expiresInSeconds).toBe(1);
      await passSeconds(harness, 2.5);
      expect(await send(grant, bytesOf(10, 1))).toMatchObject({ status: 403, s3Code: 'AccessDenied' });
      expect(await objectStore.headObject(object)).toBeUndefined();
    });

    it('overwrites nothing when a PUT of a whole object is used again', async () => {
      const { objectStore, send } = harness;
      const object = newObject();
      const grant = await harness.trusting.signPut({
        ...object,
        sizeBytes: 10,
        expiresInSeconds: GRANT_SECONDS,
      });
      expect(await send(grant, bytesOf(10, 1))).toMatchObject({ status: 200 });
      const again = await send(grant, bytesOf(10, 2));
      const { putIfNoneMatch } = objectStore.profile;
      expect(again).toMatchObject(
        putIfNoneMatch ? { status: 412, s3Code: 'PreconditionFailed' } : { status: 200 },
      );
      expect(sameBytes(await harness.read(object.key), bytesOf(10, putIfNoneMatch ? 1 : 2))).toBe(true);
      expect(await send(without(grant, 'if-none-match'), bytesOf(10, 2))).toMatchObject({
        status: expect.toBeOneOf([400, 403]),
      });
    });

    it('gives an object, or a stretch of it, while it is the one that is meant', async () => {
      const { objectStore, send, get } = harness;
      const object = newObject();
      const { etag = '' } = await send(await signTen(object), bytesOf(10, 1));
      const place = { key: object.key, expiresInSeconds: GRANT_SECONDS };
      const call = await objectStore.signGet({ ...place, etag });
      expect(call).toMatchObject({ method: 'GET', expiresInSeconds: GRANT_SECONDS });
      const [whole, stretch] = [await get(call), await get(call, { range: 'bytes=3-5' })];
      expect([whole.status, stretch.status]).toEqual([200, 206]);
      expect(sameBytes(whole.bytes, bytesOf(10, 1))).toBe(true);
      expect(sameBytes(stretch.bytes, bytesOf(10, 1).subarray(3, 6))).toBe(true);
      const other = await objectStore.signGet({ ...place, etag: `"${'0'.repeat(32)}"` });
      expect(await get(other)).toMatchObject({ status: 412 });
      const elsewhere = { ...call, url: call.url.replace(object.key, newObject().key) };
      expect(await get(elsewhere)).toMatchObject({ status: 403 });
    });

    it('changes nothing when a part is sent after Complete', async () => {
      const { objectStore, send } = harness;
      const ref = await begin(objectStore);
      const part = { ...ref, partNumber: 1, sizeBytes: 10, expiresInSeconds: GRANT_SECONDS };
      const grant = await objectStore.signPart(part);
      const parts = await putParts(harness, ref, [bytesOf(10, 1)]);
      const before = await expectStored(objectStore, ref.key, await complete(objectStore, ref, parts));
      expect(await send(grant, bytesOf(10, 2))).toMatchObject({ status: 404, s3Code: 'NoSuchUpload' });
      expect(await objectStore.headObject(ref)).toEqual(before);
      expect(sameBytes(await harness.read(ref.key), bytesOf(10, 1))).toBe(true);
    });
  });
}

function without(grant: Grant, header: string): Grant {
  const entries = Object.entries(grant.headers).filter(([name]) => name !== header);
  return { ...grant, headers: Object.fromEntries(entries) };
}
