import type { OpenPlan } from '@longhaul/protocol';
import { describe, expect, it } from 'vitest';
import {
  CANCEL,
  FAILURE,
  HOUR_MS,
  isDue,
  REFUSAL,
  begin,
  eventsOf,
  exampleDraft,
  moveTo,
  onlyOne,
  passMs,
  sameContentAs,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

const OPEN_PLAN: OpenPlan = {
  sizeBytes: null,
  partSizeBytes: 50,
  doubleEvery: 1_000,
  maxSizeBytes: 5 * 1024 ** 4,
  maxPartCount: 10_000,
};

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

    it('keeps the checksum of the whole that the newest attempt has told', async () => {
      const { uploadId } = await begin(pair.first, 'UPLOADING');
      const attempt = { partsDigest: '', redriveAfterMs: 0 };
      const checksum = { algorithm: 'CRC32', value: 'y/Q5Jg==' } as const;
      expect(await pair.first.beginCompletion(uploadId, { ...attempt, checksum })).toMatchObject({
        checksum,
      });
      expect(await pair.second.beginCompletion(uploadId, attempt)).toMatchObject({ checksum });
      const other = { ...checksum, value: 'AAAAAA==' };
      const newest = await pair.first.beginCompletion(uploadId, { ...attempt, checksum: other });
      expect(newest).toMatchObject({ checksum: other });
      expect((await pair.second.find(uploadId))?.checksum).toEqual(other);
    });

    it('gives a size to a row that has none, for good', async () => {
      const { uploadId, plan } = await begin(pair.first, 'UPLOADING', { draft: { plan: OPEN_PLAN } });
      expect(plan).toEqual(OPEN_PLAN);
      const size = { sizeBytes: 60, partCount: 2 };
      const begun = await Promise.all(
        [size, { sizeBytes: 50, partCount: 1 }].map((each) =>
          pair.second.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 0, size: each }),
        ),
      );
      const { maxSizeBytes: _, maxPartCount: __, ...rule } = OPEN_PLAN;
      expect(begun).toMatchObject([{ plan: { ...rule, ...size } }, undefined]);

      const reopened = await pair.first.refuseCompletion(uploadId, 1, REFUSAL);
      expect(reopened).toMatchObject({ state: 'UPLOADING', plan: { ...rule, ...size } });
      const other = { partsDigest: '', redriveAfterMs: 0, size: { sizeBytes: 50, partCount: 1 } };
      expect(await pair.first.beginCompletion(uploadId, other)).toBeUndefined();
      await pair.first.beginCompletion(uploadId, { ...other, size });
      await pair.first.finishCompletion(uploadId, 2, { etag: '"e"', proof: 'size' });
      const [event] = await eventsOf(pair.second, uploadId);
      expect(event?.data).toMatchObject({ ...size, partSizeBytes: 50 });
    });

    it('tells of one that ended before its size was known', async () => {
      const { uploadId } = await begin(pair.first, 'CANCELLED', { draft: { plan: OPEN_PLAN } });
      expect((await pair.first.find(uploadId))?.plan).toEqual(OPEN_PLAN);
      const [event] = await eventsOf(pair.second, uploadId);
      expect(event?.data).toMatchObject({ sizeBytes: null, partSizeBytes: 50, partCount: null });
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

    it('tells of a checksum only that it was compared', async () => {
      const checksum = { algorithm: 'CRC32', value: 'y/Q5Jg==' } as const;
      for (const proof of ['checksum', 'size'] as const) {
        const { uploadId, epoch } = await begin(pair.first, 'COMPLETING', { draft: { checksum } });
        await pair.first.finishCompletion(uploadId, epoch, { etag: '"e"', proof });
        const [event] = await eventsOf(pair.second, uploadId);
        expect(event?.data.proof).toBe(proof);
        expect(event?.data.checksum).toEqual(proof === 'checksum' ? checksum : undefined);
      }
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

    it('tells of itself once, however many finish at once', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      const finished = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          pair.both()[index % 2]!.finishCompletion(uploadId, epoch, { etag: `"${index}"`, proof: 'size' }),
        ),
      );
      const { etag } = onlyOne(finished);
      const events = await eventsOf(pair.first, uploadId);
      expect(events.map(({ data }) => data.etag)).toEqual([etag]);
    });

    it.each([false, true])('is due at once if a create was repeated, and only then: %s', async (repeated) => {
      const draft = exampleDraft();
      await pair.first.insert(draft);
      if (repeated) await pair.first.repeatCreate(draft.uploadId, HOUR_MS);
      await moveTo(pair.first, draft.uploadId, 'COMPLETED');
      expect(await isDue(pair.second, draft.uploadId)).toBe(repeated);
    });

    it('keeps a reason, stays, and goes to the next driver when it is due', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      const lastError = "503 'Slow Down'";
      await pair.first.postponeCompletion(uploadId, epoch, { lastError, redriveAfterMs: 0 });
      expect(await pair.first.find(uploadId)).toMatchObject({ state: 'COMPLETING', lastError });
      await passMs(0);
      expect(
        await pair.second.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: HOUR_MS }),
      ).toMatchObject({ epoch: epoch + 1, lastError });
    });

    it('fails once and for good, with its event, and is due for what it leaves behind', async () => {
      const { uploadId, epoch } = await begin(pair.first, 'COMPLETING');
      const failed = await Promise.all(pair.both().map((catalog) => catalog.fail(uploadId, epoch, FAILURE)));
      expect(onlyOne(failed)).toMatchObject({ state: 'FAILED', lastError: FAILURE.lastError });
      expect(await eventsOf(pair.first, uploadId)).toHaveLength(1);
      expect(await isDue(pair.first, uploadId)).toBe(true);
      expect(
        await pair.first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 0 }),
      ).toBeUndefined();
    });

    it('does not fail, nor tell, while an attempt may still be under way', async () => {
      const before = await begin(pair.first, 'COMPLETING');
      const { uploadId, epoch } = before;
      const quiet = { lastError: 'gone', quietForMs: HOUR_MS };
      expect(await pair.first.fail(uploadId, epoch, quiet)).toBeUndefined();
      expect(await pair.first.find(uploadId)).toEqual(before);
      expect(await eventsOf(pair.first, uploadId)).toEqual([]);
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

    it('stays while an earlier attempt is unresolved, which is the newest one then', async () => {
      const first = await begin(pair.first, 'COMPLETING', { redriveAfterMs: 0 });
      const { uploadId } = first;
      await passMs(0);
      const second = await pair.second.beginCompletion(uploadId, { partsDigest: 'two', redriveAfterMs: 0 });
      const refused = await pair.second.refuseCompletion(uploadId, 2, REFUSAL);
      expect(refused).toMatchObject({
        state: 'COMPLETING',
        epoch: 2,
        partsDigest: 'two',
        completeSentAtEpochMs: first.completeSentAtEpochMs,
        expiresAtEpochMs: second?.expiresAtEpochMs,
        lastError: REFUSAL.lastError,
      });
      expect(refused?.nextAttemptAtEpochMs).toBeGreaterThan(second!.nextAttemptAtEpochMs!);
      expect(await pair.first.beginAbort(uploadId, CANCEL)).toBeUndefined();
    });

    it('stays as long as that, whatever number of attempts is refused meanwhile', async () => {
      const { uploadId, completeSentAtEpochMs } = await begin(pair.first, 'COMPLETING', {
        redriveAfterMs: 0,
      });
      for (const epoch of [2, 3, 4]) {
        await passMs(0);
        await pair.first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 0 });
        const refusal = { ...REFUSAL, redriveAfterMs: 0 };
        expect(await pair.first.refuseCompletion(uploadId, epoch, refusal)).toMatchObject({
          state: 'COMPLETING',
          completeSentAtEpochMs,
        });
      }
    });

    it('goes back once the earlier attempts are over', async () => {
      const { uploadId } = await begin(pair.first, 'COMPLETING', { redriveAfterMs: 0 });
      await passMs(5);
      await pair.second.beginCompletion(uploadId, { partsDigest: 'two', redriveAfterMs: HOUR_MS });
      const reopened = await pair.second.refuseCompletion(uploadId, 2, { ...REFUSAL, attemptOverAfterMs: 5 });
      expect(reopened).toMatchObject({ state: 'UPLOADING' });
      expect(reopened).not.toHaveProperty('completeSentAtEpochMs');
      expect(await pair.first.beginAbort(uploadId, CANCEL)).toMatchObject({ state: 'ABORTING' });
    });

    it('knows of no attempt from before it went back', async () => {
      const { uploadId } = await begin(pair.first, 'COMPLETING');
      for (const epoch of [1, 2, 3]) {
        expect(await pair.first.refuseCompletion(uploadId, epoch, REFUSAL)).toMatchObject({
          state: 'UPLOADING',
        });
        await pair.first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: HOUR_MS });
      }
    });

    it('stays beside an upload of the same content, and goes on beside it later', async () => {
      const draft = exampleDraft();
      await pair.first.insert(draft);
      await moveTo(pair.first, draft.uploadId, 'COMPLETING', 0);
      const other = await pair.second.insert(sameContentAs(draft));
      await passMs(5);
      await pair.first.beginCompletion(draft.uploadId, { partsDigest: '', redriveAfterMs: HOUR_MS });
      const over = { ...REFUSAL, attemptOverAfterMs: 5 };
      expect(await pair.first.refuseCompletion(draft.uploadId, 2, over)).toMatchObject({
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
      await passMs(0);
      expect(await isDue(pair.second, uploadId)).toBe(true);
      expect(await pair.first.beginAbort(uploadId, CANCEL)).toMatchObject({ state: 'ABORTING' });
    });

    it.each(['UPLOADING', 'COMPLETED'] as const)('remembers no cancel of one that is %s', async (state) => {
      const { uploadId } = await begin(pair.first, state);
      await pair.first.requestCancel(uploadId);
      expect(await pair.first.find(uploadId)).toMatchObject({ state, cancelRequested: false });
    });
  });
}
