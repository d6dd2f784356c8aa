import { describe, expect, it } from 'vitest';
import {
  CANCEL,
  begin,
  eventsOf,
  exampleDraft,
  HOUR_MS,
  isDue,
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

    it('remembers that a create was repeated, once it was, and waits for it', async () => {
      const { uploadId } = await begin(pair.first, 'PENDING', { draft: { pendingLimitMs: 0 } });
      await passMs(0);
      const repeated = await pair.first.repeatCreate(uploadId, HOUR_MS);
      expect(repeated).toMatchObject({ state: 'PENDING', createRepeated: true });
      expect(await isDue(pair.first, uploadId)).toBe(false);
      const opened = await pair.first.saveMultipart(uploadId, { s3UploadId: 'id' });
      expect(opened).toMatchObject({ createRepeated: true });
      expect(await pair.first.repeatCreate(uploadId, HOUR_MS)).toBeUndefined();
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

    it.each(['CANCELLED', 'EXPIRED'] as const)(
      'ends as what it was begun for: %s, with one event',
      async (to) => {
        const { uploadId } = await begin(pair.first, 'UPLOADING');
        const aborting = await pair.first.beginAbort(uploadId, { to, redriveAfterMs: HOUR_MS });
        expect(aborting).toMatchObject({ state: 'ABORTING', abortTo: to });
        expect(await eventsOf(pair.first, uploadId)).toEqual([]);
        await Promise.all(
          Array.from({ length: 20 }, (_, index) => pair.both()[index % 2]!.finishAbort(uploadId)),
        );
        expect(await pair.first.find(uploadId)).toMatchObject({ state: to });
        expect(await eventsOf(pair.first, uploadId)).toHaveLength(1);
      },
    );

    it.each([
      ['PENDING, which is due', { pendingLimitMs: 0 }, 'PENDING'],
      ['PENDING, which has expired', { idleLimitMs: 0 }, 'PENDING'],
      ['UPLOADING, which has expired', { idleLimitMs: 0 }, 'UPLOADING'],
    ] as const)('begins if due: %s', async (_, wishes, state) => {
      const { uploadId } = await begin(pair.first, state, { draft: wishes });
      await passMs(0);
      const intent = { to: 'EXPIRED', redriveAfterMs: HOUR_MS, onlyIfDue: true } as const;
      const begun = await Promise.all(pair.both().map((catalog) => catalog.beginAbort(uploadId, intent)));
      expect(onlyOne(begun)).toMatchObject({ state: 'ABORTING', abortTo: 'EXPIRED' });
    });

    it.each(['PENDING', 'UPLOADING'] as const)('does not begin if not due: %s', async (state) => {
      const before = await begin(pair.first, state);
      const intent = { to: 'EXPIRED', redriveAfterMs: HOUR_MS, onlyIfDue: true } as const;
      expect(await pair.first.beginAbort(before.uploadId, intent)).toBeUndefined();
      expect(await pair.first.find(before.uploadId)).toEqual(before);
    });

    it('does not begin if activity came before', async () => {
      const { uploadId } = await begin(pair.first, 'UPLOADING', { draft: { idleLimitMs: 20 } });
      await passMs(20);
      expect(await isDue(pair.first, uploadId)).toBe(true);
      await pair.first.extendExpiry(uploadId, Date.now() + HOUR_MS);
      const intent = { to: 'EXPIRED', redriveAfterMs: HOUR_MS, onlyIfDue: true } as const;
      expect(await pair.second.beginAbort(uploadId, intent)).toBeUndefined();
    });

    it('ends no upload that has its multipart id for another reason than its expiry', async () => {
      const { uploadId } = await begin(pair.first, 'UPLOADING');
      await pair.first.postpone(uploadId, 'UPLOADING', { delayMs: 0 });
      await passMs(0);
      expect(await isDue(pair.first, uploadId)).toBe(true);
      const intent = { to: 'EXPIRED', redriveAfterMs: HOUR_MS, onlyIfDue: true } as const;
      expect(await pair.first.beginAbort(uploadId, intent)).toBeUndefined();
    });

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
