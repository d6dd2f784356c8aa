import { describe, expect, it } from 'vitest';
import {
  CANCEL,
  begin,
  exampleDraft,
  moveTo,
  onlyOne,
  passMs,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

/** Opening uploads, keeping them open, and ending them without an object. */
export function describeOpening(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  describe('opening', () => {
    it('saves the multipart id once', async () => {
      const { uploadId } = await begin(pair.first, 'PENDING');
      const mustFinishByEpochMs = Date.now() + 86_400_123;
      const saves = await Promise.all(
        pair
          .both()
          .map((catalog, index) =>
            catalog.saveMultipart(uploadId, { s3UploadId: `id-${index}`, mustFinishByEpochMs }),
          ),
      );
      const winner = onlyOne(saves);
      expect(winner).toMatchObject({ state: 'UPLOADING', mustFinishByEpochMs });
      expect(await pair.first.find(uploadId)).toEqual(winner);
    });

    it('opens without a multipart id once', async () => {
      const { uploadId } = await begin(pair.first, 'PENDING');
      const opened = await Promise.all(pair.both().map((catalog) => catalog.openWithoutMultipart(uploadId)));
      expect(onlyOne(opened)).toMatchObject({ state: 'UPLOADING' });
      expect(onlyOne(opened)).not.toHaveProperty('s3UploadId');
    });

    it.each(['UPLOADING', 'COMPLETING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
      'opens nothing that is %s',
      async (state) => {
        const before = await begin(pair.first, state);
        expect(await pair.second.saveMultipart(before.uploadId, { s3UploadId: 'late' })).toBeUndefined();
        expect(await pair.second.openWithoutMultipart(before.uploadId)).toBeUndefined();
        expect(await pair.first.find(before.uploadId)).toEqual(before);
      },
    );
  });

  describe('abort', () => {
    it.each(['PENDING', 'UPLOADING'] as const)('begins once from %s, and ends once', async (state) => {
      const { uploadId } = await begin(pair.first, state);
      const begun = await Promise.all(pair.both().map((catalog) => catalog.beginAbort(uploadId, CANCEL)));
      expect(onlyOne(begun)).toMatchObject({ state: 'ABORTING' });
      const ended = await Promise.all(pair.both().map((catalog) => catalog.finishAbort(uploadId)));
      expect(onlyOne(ended)).toMatchObject({ state: 'CANCELLED' });
    });

    it.each(['COMPLETING', 'COMPLETED', 'CANCELLED', 'FAILED'] as const)(
      'neither begins nor ends what is %s',
      async (state) => {
        const before = await begin(pair.first, state);
        expect(await pair.first.beginAbort(before.uploadId, CANCEL)).toBeUndefined();
        expect(await pair.first.finishAbort(before.uploadId)).toBeUndefined();
        expect(await pair.first.find(before.uploadId)).toEqual(before);
      },
    );

    it('and completion never both begin', async () => {
      for (let round = 0; round < 20; round += 1) {
        const { uploadId } = await begin(pair.first, 'UPLOADING');
        const [aborting, completing] = await Promise.all([
          pair.first.beginAbort(uploadId, CANCEL),
          pair.second.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 60_000 }),
        ]);
        onlyOne([aborting, completing]);
      }
    });
  });

  describe('grants and activity', () => {
    it('remembers the end of the longest grant', async () => {
      const { uploadId, createdAtEpochMs } = await begin(pair.first, 'UPLOADING');
      expect(await pair.first.recordGrant(uploadId, { expiresInSeconds: 900 })).toBe(true);
      const long = await pair.first.find(uploadId);
      expect(long?.grantsExpireAtEpochMs).toBeGreaterThanOrEqual(createdAtEpochMs + 900_000);
      expect(await pair.second.recordGrant(uploadId, { expiresInSeconds: 1 })).toBe(true);
      expect((await pair.first.find(uploadId))?.grantsExpireAtEpochMs).toBe(long?.grantsExpireAtEpochMs);
    });

    it.each(['PENDING', 'COMPLETING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
      'tells that one which is %s takes no grant',
      async (state) => {
        const { uploadId } = await begin(pair.first, state);
        expect(await pair.first.recordGrant(uploadId, { expiresInSeconds: 60 })).toBe(false);
        expect((await pair.first.find(uploadId))?.state).toBe(state);
      },
    );

    it('lets the clean-up see a grant that was recorded while the abort began', async () => {
      const { uploadId } = await begin(pair.first, 'ABORTING');
      await pair.second.recordGrant(uploadId, { expiresInSeconds: 60 });
      expect((await pair.first.find(uploadId))?.grantsExpireAtEpochMs).toBeDefined();
    });

    it('moves the expiry only when half of its span is gone', async () => {
      const { uploadId, expiresAtEpochMs } = await begin(pair.first, 'UPLOADING');
      await pair.first.recordActivity(uploadId);
      await pair.first.recordGrant(uploadId, { expiresInSeconds: 60 });
      expect((await pair.first.find(uploadId))?.expiresAtEpochMs).toBe(expiresAtEpochMs);
    });

    it.each(['recordActivity', 'recordGrant'] as const)('%s moves an expiry that is near', async (call) => {
      const draft = exampleDraft({ idleLimitMs: 20 });
      await pair.first.insert(draft);
      const { uploadId, expiresAtEpochMs } = await moveTo(pair.first, draft.uploadId, 'UPLOADING');
      await passMs(30);
      await pair.first[call](uploadId, { expiresInSeconds: 60 });
      expect((await pair.first.find(uploadId))?.expiresAtEpochMs).toBeGreaterThan(expiresAtEpochMs);
    });

    it.each(['COMPLETING', 'COMPLETED', 'CANCELLED'] as const)(
      'moves no expiry of one that is %s',
      async (state) => {
        const draft = exampleDraft({ idleLimitMs: 0 });
        await pair.first.insert(draft);
        const { uploadId, expiresAtEpochMs } = await moveTo(pair.first, draft.uploadId, state);
        await passMs(5);
        await pair.first.recordActivity(uploadId);
        expect((await pair.first.find(uploadId))?.expiresAtEpochMs).toBe(expiresAtEpochMs);
      },
    );
  });
}
