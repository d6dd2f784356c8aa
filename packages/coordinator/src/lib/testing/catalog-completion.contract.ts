import { describe, expect, it } from 'vitest';
import {
  CANCEL,
  FAILURE,
  HOUR_MS,
  REFUSAL,
  begin,
  exampleDraft,
  moveTo,
  onlyOne,
  passMs,
  sameContentAs,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

/** Completing uploads, and going back from there. */
export function describeCompletion(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  describe('completion', () => {
    it('goes to one of two drivers, who writes the attempt down', async () => {
      const { uploadId } = await begin(pair.first, 'UPLOADING');
      const begun = await Promise.all(
        pair
          .both()
          .map((catalog, index) =>
            catalog.beginCompletion(uploadId, { partsDigest: `digest-${index}`, redriveAfterMs: 60_000 }),
          ),
      );
      const winner = onlyOne(begun);
      expect(winner).toMatchObject({ state: 'COMPLETING', epoch: 1 });
      expect(winner.partsDigest).toBe(begun[0] ? 'digest-0' : 'digest-1');
      expect(winner.nextAttemptAtEpochMs! - winner.completeSentAtEpochMs!).toBeGreaterThanOrEqual(59_999);
      expect(await pair.first.find(uploadId)).toEqual(winner);
    });

    it('goes to another driver once the next attempt is due, and only then', async () => {
      const { uploadId } = await begin(pair.first, 'UPLOADING');
      await pair.first.beginCompletion(uploadId, { partsDigest: 'one', redriveAfterMs: 0 });
      await passMs(2);
      const again = await Promise.all(
        pair
          .both()
          .map((catalog) =>
            catalog.beginCompletion(uploadId, { partsDigest: 'two', redriveAfterMs: 60_000 }),
          ),
      );
      expect(onlyOne(again)).toMatchObject({ state: 'COMPLETING', epoch: 2, partsDigest: 'two' });
      expect(
        await pair.first.beginCompletion(uploadId, { partsDigest: 'x', redriveAfterMs: 0 }),
      ).toBeUndefined();
    });

    it.each(['PENDING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
      'does not begin from %s',
      async (state) => {
        const before = await begin(pair.first, state);
        const begun = await pair.first.beginCompletion(before.uploadId, {
          partsDigest: '',
          redriveAfterMs: 0,
        });
        expect(begun).toBeUndefined();
        expect(await pair.first.find(before.uploadId)).toEqual(before);
      },
    );

    it('finishes once, with what the store holds', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      await pair.first.postponeCompletion(uploadId, epoch, { lastError: 'timeout', redriveAfterMs: HOUR_MS });
      const object = { etag: '"abc-2"', versionId: 'v/1+2==', proof: 'checksum' } as const;
      const finished = await Promise.all(
        pair.both().map((catalog) => catalog.finishCompletion(uploadId, epoch, object)),
      );
      const winner = onlyOne(finished);
      expect(winner).toMatchObject({
        ...object,
        state: 'COMPLETED',
        completedAtEpochMs: expect.any(Number),
      });
      expect(winner).not.toHaveProperty('nextAttemptAtEpochMs');
      expect(winner).not.toHaveProperty('lastError');
      expect(await pair.second.find(uploadId)).toEqual(winner);
    });

    it('leaves out the version of an unversioned bucket', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      const record = await pair.first.finishCompletion(uploadId, epoch, { etag: '"e"', proof: 'size' });
      expect(record).not.toHaveProperty('versionId');
    });

    it('refuses every word of an older driver', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING', { redriveAfterMs: 0 });
      await passMs(2);
      const newer = await pair.second.beginCompletion(uploadId, {
        partsDigest: 'new',
        redriveAfterMs: 60_000,
      });
      expect(newer?.epoch).toBe(epoch + 1);
      expect(
        await pair.first.finishCompletion(uploadId, epoch, { etag: 'e', proof: 'size' }),
      ).toBeUndefined();
      expect(await pair.first.refuseCompletion(uploadId, epoch, REFUSAL)).toBeUndefined();
      expect(await pair.first.fail(uploadId, epoch, FAILURE)).toBeUndefined();
      await pair.first.postponeCompletion(uploadId, epoch, { lastError: 'old', redriveAfterMs: HOUR_MS });
      expect(await pair.first.find(uploadId)).toEqual(newer);
    });

    it.each(['UPLOADING', 'COMPLETED', 'CANCELLED', 'FAILED'] as const)(
      'ends nothing that is %s',
      async (state) => {
        const before = await begin(pair.first, state);
        const { uploadId, epoch } = before;
        expect(
          await pair.first.finishCompletion(uploadId, epoch, { etag: 'e', proof: 'size' }),
        ).toBeUndefined();
        expect(await pair.first.refuseCompletion(uploadId, epoch, REFUSAL)).toBeUndefined();
        expect(await pair.first.fail(uploadId, epoch, FAILURE)).toBeUndefined();
        await pair.first.postponeCompletion(uploadId, epoch, { lastError: 'x', redriveAfterMs: HOUR_MS });
        expect(await pair.first.find(uploadId)).toEqual(before);
      },
    );

    it('keeps a reason and stays', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      await pair.first.postponeCompletion(uploadId, epoch, {
        lastError: "503 'Slow Down'",
        redriveAfterMs: HOUR_MS,
      });
      expect(await pair.first.find(uploadId)).toMatchObject({
        state: 'COMPLETING',
        lastError: "503 'Slow Down'",
      });
    });

    it('fails for good', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      expect(await pair.first.fail(uploadId, epoch, FAILURE)).toMatchObject({
        state: 'FAILED',
        lastError: FAILURE.lastError,
      });
      expect(
        await pair.first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 0 }),
      ).toBeUndefined();
    });
  });

  describe('reopening', () => {
    it('goes back to UPLOADING without the attempt, and completes again in a new epoch', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      const reopened = await pair.first.refuseCompletion(uploadId, epoch, REFUSAL);
      expect(reopened).toMatchObject({ state: 'UPLOADING', epoch, lastError: 'InvalidPart' });
      for (const field of ['completeSentAtEpochMs', 'nextAttemptAtEpochMs', 'partsDigest']) {
        expect(reopened).not.toHaveProperty(field);
      }
      const again = await pair.second.beginCompletion(uploadId, { partsDigest: 'new', redriveAfterMs: 0 });
      expect(again).toMatchObject({ state: 'COMPLETING', epoch: epoch + 1 });
    });

    it('gives an upload that completed for long its idle limit back', async () => {
      const { uploadId, epoch, expiresAtEpochMs } = await begin(pair.first, 'COMPLETING');
      await passMs(5);
      const reopened = await pair.first.refuseCompletion(uploadId, epoch, REFUSAL);
      expect(reopened?.expiresAtEpochMs).toBeGreaterThan(expiresAtEpochMs);
    });

    it('is found by its content again', async () => {
      const draft = exampleDraft();
      await pair.first.insert(draft);
      await moveTo(pair.first, draft.uploadId, 'COMPLETING');
      await pair.first.refuseCompletion(draft.uploadId, 1, REFUSAL);
      expect(await pair.second.insert(sameContentAs(draft))).toMatchObject({
        kind: 'open',
        record: { uploadId: draft.uploadId },
      });
    });

    it('goes on beside an upload of the same content that was opened meanwhile', async () => {
      const draft = exampleDraft();
      await pair.first.insert(draft);
      await moveTo(pair.first, draft.uploadId, 'COMPLETING');
      const other = await pair.second.insert(sameContentAs(draft));
      expect(other.kind).toBe('inserted');
      expect(await pair.first.refuseCompletion(draft.uploadId, 1, REFUSAL)).toMatchObject({
        state: 'UPLOADING',
      });
      expect(await pair.first.insert(sameContentAs(draft))).toMatchObject({
        kind: 'open',
        record: { uploadId: other.record.uploadId },
      });
    });

    it('remembers a cancel that came while it was completing', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      await pair.second.requestCancel(uploadId);
      expect(await pair.first.find(uploadId)).toMatchObject({ state: 'COMPLETING', cancelRequested: true });
      expect(await pair.first.refuseCompletion(uploadId, epoch, REFUSAL)).toMatchObject({
        state: 'UPLOADING',
        cancelRequested: true,
      });
      expect(await pair.first.beginAbort(uploadId, CANCEL)).toMatchObject({ state: 'ABORTING' });
    });

    it.each(['UPLOADING', 'COMPLETED'] as const)('remembers no cancel of one that is %s', async (state) => {
      const { uploadId } = await begin(pair.first, state);
      await pair.first.requestCancel(uploadId);
      expect(await pair.first.find(uploadId)).toMatchObject({ state, cancelRequested: false });
    });
  });
}
