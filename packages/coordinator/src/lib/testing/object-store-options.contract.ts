import type { ObjectOptions } from '@longhaul/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewObject } from '../ports/object-store.ts';
import {
  begin,
  bytesOf,
  complete,
  GRANT_SECONDS,
  newObject,
  type ObjectStoreHarness,
  putParts,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** One of each. Object lock is not among them: it wants a bucket that was made for it. */
const OPTIONS: readonly ObjectOptions[] = [
  { storageClass: 'REDUCED_REDUNDANCY' },
  { tags: { team: 'a+b', year: '20 26' } },
  { cacheControl: 'max-age=60, public' },
  { contentDisposition: 'attachment; filename="a b.txt"' },
  { contentEncoding: 'gzip' },
];

/** What the store keeps with an object beside its metadata. */
export function describeObjectOptions(setUp: SetUpObjectStore): void {
  describe('object options', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    const sendWhole = async (object: NewObject): Promise<void> => {
      const { objectStore, send } = harness;
      const grant = await objectStore.signPut({ ...object, sizeBytes: 1, expiresInSeconds: GRANT_SECONDS });
      expect(await send(grant, bytesOf(1, 1))).toMatchObject({ status: 200 });
    };
    const putWhole = async (object: NewObject): Promise<void> => {
      await harness.objectStore.putObject({ ...object, body: bytesOf(1, 1) });
    };
    const sendParts = async (object: NewObject): Promise<void> => {
      const ref = await begin(harness.objectStore, object);
      await complete(harness.objectStore, ref, await putParts(harness, ref, [bytesOf(1, 1)]));
    };

    it.each(OPTIONS)('%j: kept where the profile says so, and only there', async (objectOptions) => {
      const { profile } = harness.objectStore;
      const isClaimed = Object.keys(objectOptions).every((name) =>
        profile.objectOptions.some((kept) => kept === name),
      );
      const isKept = async (store: (object: NewObject) => Promise<void>): Promise<boolean> => {
        const object = newObject({ objectOptions });
        try {
          await store(object);
          expect(await harness.optionsOf?.(object.key)).toMatchObject(objectOptions);
          return true;
        } catch {
          return false;
        }
      };
      const kept = [await isKept(sendParts), await isKept(putWhole), await isKept(sendWhole)];
      expect(kept.every(Boolean)).toBe(isClaimed);
    });
  });
}
