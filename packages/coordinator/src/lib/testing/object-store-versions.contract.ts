import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  begin,
  bytesOf,
  complete,
  expectStored,
  GRANT_SECONDS,
  newObject,
  type ObjectStoreHarness,
  putParts,
  sameBytes,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** A bucket that keeps versions; or, where there is none, that nobody pretends to make one. */
export function describeVersions(setUp: SetUpObjectStore): void {
  describe('versions', () => {
    let harness: ObjectStoreHarness | undefined;
    let versioning: boolean;
    let refusal: unknown;
    beforeAll(async () => {
      const plain = await setUp({ versioned: false });
      versioning = plain.objectStore.profile.versioning;
      await plain.close();
      try {
        harness = await setUp({ versioned: true });
      } catch (error) {
        refusal = error;
      }
    });
    afterAll(async () => {
      await harness?.close();
    });

    it('are kept where the profile says so, and only there', () => {
      expect(refusal).toEqual(versioning ? undefined : expect.any(Error));
    });

    it('are named by PutObject and HEAD, and deleted one by one', async () => {
      if (harness === undefined) return expect(versioning).toBe(false);
      const { objectStore } = harness;
      const object = newObject();
      const first = await objectStore.putObject({ ...object, body: bytesOf(10, 1) });
      const firstId = versionOf(first);
      expect(await objectStore.headObject(object)).toMatchObject({ versionId: firstId });

      await objectStore.deleteObject({ key: object.key });
      expect(await objectStore.headObject(object)).toBeUndefined();
      expect(await objectStore.headObject({ key: object.key, versionId: firstId })).toMatchObject({
        sizeBytes: 10,
        versionId: firstId,
      });

      await objectStore.deleteObject({ key: object.key, versionId: firstId });
      expect(await objectStore.headObject({ key: object.key, versionId: firstId })).toBeUndefined();
    });

    it('are read one by one', async () => {
      if (harness === undefined) return expect(versioning).toBe(false);
      const { objectStore, get } = harness;
      const { key, ...object } = newObject();
      const first = await objectStore.putObject({ key, ...object, body: bytesOf(10, 1) });
      await objectStore.deleteObject({ key });
      const place = { key, expiresInSeconds: GRANT_SECONDS };
      expect((await get(await objectStore.signGet(place))).status).toBe(404);
      const version = await objectStore.signGet({ ...place, versionId: versionOf(first) });
      expect(sameBytes((await get(version)).bytes, bytesOf(10, 1))).toBe(true);
    });

    it('are named by Complete', async () => {
      if (harness === undefined) return expect(versioning).toBe(false);
      const { objectStore } = harness;
      const ref = await begin(objectStore);
      const parts = await putParts(harness, ref, [bytesOf(10, 1)]);
      const outcome = await complete(objectStore, ref, parts);
      const object = await expectStored(objectStore, ref.key, outcome);
      expect(object.versionId).toMatch(/./);
      if (objectStore.profile.completeReturnsEtag) expect(versionOf(outcome)).toBe(object.versionId);
    });
  });
}

function versionOf(outcome: object): string {
  const versionId = 'versionId' in outcome ? outcome.versionId : undefined;
  if (typeof versionId !== 'string') throw new Error(`no versionId in ${JSON.stringify(outcome)}`);
  return versionId;
}
