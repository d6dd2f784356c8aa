import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bytesOf,
  GRANT_SECONDS,
  newObject,
  type ObjectStoreHarness,
  sameBytes,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** Whole objects: put, head, delete. */
export function describeObjects(setUp: SetUpObjectStore): void {
  describe('objects', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    it('answers a ping', async () => {
      await harness.objectStore.ping();
    });

    it('puts an object with its type and metadata', async () => {
      const { objectStore } = harness;
      const object = newObject({
        contentType: 'text/x-longhaul; charset=utf-8',
        metadata: { name: 'a%C3%A4 b' },
      });
      const outcome = await objectStore.putObject({ ...object, body: bytesOf(1000, 1) });
      const head = await objectStore.headObject(object);
      expect(outcome).toEqual({ kind: 'stored', etag: head?.etag });
      expect(head).toMatchObject({
        sizeBytes: 1000,
        contentType: object.contentType,
        metadata: object.metadata,
        lastModifiedEpochMs: expect.any(Number),
      });
      expect(head).not.toHaveProperty('versionId');
      expect(sameBytes(await harness.read(object.key), bytesOf(1000, 1))).toBe(true);
    });

    it('puts an empty object', async () => {
      const object = newObject();
      const outcome = await harness.objectStore.putObject({ ...object, body: new Uint8Array(0) });
      expect(outcome.kind).toBe('stored');
      expect(await harness.objectStore.headObject(object)).toMatchObject({ sizeBytes: 0, metadata: {} });
    });

    it('overwrites no object on PutObject', async () => {
      const { objectStore, trusting } = harness;
      const object = newObject();
      await objectStore.putObject({ ...object, body: bytesOf(10, 1) });
      const second = await trusting.putObject({ ...object, body: bytesOf(20, 2) });
      if (objectStore.profile.putIfNoneMatch) {
        expect(second).toEqual({ kind: 'exists' });
        expect(await objectStore.headObject(object)).toMatchObject({ sizeBytes: 10 });
      } else {
        expect(second.kind).toBe('stored');
        expect(await objectStore.headObject(object)).toMatchObject({ sizeBytes: 20 });
      }
    });

    it('knows nothing of a key that was never written', async () => {
      const { key } = newObject();
      expect(await harness.objectStore.headObject({ key })).toBeUndefined();
      await harness.objectStore.deleteObject({ key });
    });

    it('deletes an object', async () => {
      const { objectStore } = harness;
      const object = newObject();
      await objectStore.putObject({ ...object, body: bytesOf(10, 1) });
      await objectStore.deleteObject({ key: object.key });
      expect(await objectStore.headObject(object)).toBeUndefined();
      await objectStore.deleteObject({ key: object.key });
    });

    it('takes keys of any script, by URL and by call', async () => {
      const { objectStore } = harness;
      const { key } = newObject();
      const object = newObject({ key: `${key}/ä 漢字🚚 (a+b)=c&d'e!*~%2F;:@$,` });
      const grant = await objectStore.signPut({ ...object, sizeBytes: 3, expiresInSeconds: GRANT_SECONDS });
      expect(await harness.send(grant, bytesOf(3, 1))).toMatchObject({ status: 200 });
      expect(await objectStore.headObject(object)).toMatchObject({ sizeBytes: 3 });
      expect(sameBytes(await harness.read(object.key), bytesOf(3, 1))).toBe(true);
      const location = new URL(objectStore.locationOf(object.key));
      expect(decodeURIComponent(location.pathname).endsWith(object.key)).toBe(true);
      expect(location.search).toBe('');
    });
  });
}
