import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  begin,
  newObject,
  type ObjectStoreHarness,
  putPart,
  type SetUpObjectStore,
} from './object-store-harness.ts';

/** One more than fits a page. */
const OVER_A_PAGE = 1_001;

/** ListParts and ListMultipartUploads. */
export function describeListings(setUp: SetUpObjectStore): void {
  describe('listings', () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await setUp({ versioned: false });
    });
    afterAll(async () => {
      await harness.close();
    });

    it('lists an upload without parts', async () => {
      const ref = await begin(harness.objectStore);
      expect(await harness.objectStore.listParts(ref)).toEqual([]);
    });

    it('lists more parts than fit a page, ascending', async () => {
      const ref = await begin(harness.objectStore);
      const partNumbers = Array.from({ length: OVER_A_PAGE }, (_, index) => index + 1);
      await inBatches(partNumbers.toReversed(), async (partNumber) => {
        await putPart(harness, ref, { partNumber, body: new Uint8Array(1) });
      });
      const listed = await harness.objectStore.listParts(ref);
      expect(listed?.map(({ partNumber }) => partNumber)).toEqual(partNumbers);
      expect(listed?.every(({ sizeBytes }) => sizeBytes === 1)).toBe(true);
    });

    it('lists the open uploads under a prefix, and no others', async () => {
      const { objectStore } = harness;
      const { key } = newObject();
      const twice = [
        await begin(objectStore, { key: `${key}/a` }),
        await begin(objectStore, { key: `${key}/a` }),
      ];
      const other = await begin(objectStore, { key: `${key}/b ü+&` });
      await begin(objectStore);

      const listed = objectStore.profile.listsOpenUploadsByPrefix
        ? await objectStore.listMultipartUploads({ prefix: `${key}/` })
        : [
            ...(await objectStore.listMultipartUploads({ prefix: `${key}/a` })),
            ...(await objectStore.listMultipartUploads({ prefix: other.key })),
          ];
      expect(listed.map(({ s3UploadId }) => s3UploadId).toSorted()).toEqual(
        [...twice, other].map(({ s3UploadId }) => s3UploadId).toSorted(),
      );
      expect(listed.map((upload) => upload.key)).toEqual([`${key}/a`, `${key}/a`, `${key}/b ü+&`]);
      const dayMs = 24 * 3600 * 1000;
      for (const { initiatedAtEpochMs } of listed) {
        expect(Math.abs(Date.now() - initiatedAtEpochMs)).toBeLessThan(dayMs);
      }
      expect(await objectStore.listMultipartUploads({ prefix: `${key}/nothing` })).toEqual([]);
    });

    it('lists more open uploads than fit a page', async () => {
      const { objectStore } = harness;
      const { key } = newObject();
      await inBatches(Array.from({ length: OVER_A_PAGE }), async () => {
        await begin(objectStore, { key: `${key}/same` });
      });
      const listing = objectStore.listMultipartUploads({ prefix: `${key}/same` });
      if (!objectStore.profile.pagesOpenUploads) {
        await expect(listing).rejects.toMatchObject({ name: 'ObjectStoreError', kind: 'refused' });
        return;
      }
      const listed = await listing;
      expect(new Set(listed.map(({ s3UploadId }) => s3UploadId)).size).toBe(OVER_A_PAGE);
      expect(listed).toHaveLength(OVER_A_PAGE);
      const first = await objectStore.listMultipartUploadsPage({ prefix: `${key}/same` });
      const last =
        first.next &&
        (await objectStore.listMultipartUploadsPage({ prefix: `${key}/same`, after: first.next }));
      expect([...first.uploads, ...(last?.uploads ?? [])]).toEqual(listed);
      expect(last?.next).toBeUndefined();
    });
  });
}

async function inBatches<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += 32) {
    await Promise.all(items.slice(start, start + 32).map(work));
  }
}
