import { describe, expect, it } from 'vitest';
import {
  begin,
  FAILURE,
  HOUR_MS,
  moveTo,
  passMs,
  REFUSAL,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

/** Figures of what is open. */
export function describeOpenUploads(setUp: SetUpCatalog): void {
  describe('open uploads', () => {
    const pair = useCatalogPair(setUp);

    it('are counted by state, and ended ones are not', async () => {
      const none = { PENDING: 0, UPLOADING: 0, COMPLETING: 0, ABORTING: 0 };
      expect(await pair.first.openUploads()).toEqual({ counts: none });
      for (const state of ['COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED'] as const)
        await begin(pair.first, state);
      expect(await pair.first.openUploads()).toEqual({ counts: none });
      for (const state of ['PENDING', 'UPLOADING', 'UPLOADING', 'ABORTING'] as const)
        await begin(pair.first, state);
      expect(await pair.second.openUploads()).toEqual({
        counts: { ...none, PENDING: 1, UPLOADING: 2, ABORTING: 1 },
      });
    });

    it('tell how long the oldest is completing, from its first attempt, however often it is tried', async () => {
      const { uploadId } = await begin(pair.first, 'COMPLETING', { redriveAfterMs: 0 });
      await passMs(60);
      await pair.first.beginCompletion(uploadId, { partsDigest: 'digest', redriveAfterMs: 0 });
      await passMs(0);
      await pair.first.beginCompletion(uploadId, { partsDigest: 'digest', redriveAfterMs: HOUR_MS });
      const younger = await begin(pair.first, 'COMPLETING');
      const { counts, oldestCompletingAgeMs } = await pair.second.openUploads();
      expect(counts.COMPLETING).toBe(2);
      expect(oldestCompletingAgeMs).toBeGreaterThanOrEqual(60);
      await pair.first.fail(uploadId, 3, FAILURE);
      const { oldestCompletingAgeMs: youngerAgeMs = 0 } = await pair.second.openUploads();
      expect(youngerAgeMs).toBeLessThan(oldestCompletingAgeMs ?? 0);
      await moveTo(pair.first, younger.uploadId, 'COMPLETED');
      expect(await pair.second.openUploads()).not.toHaveProperty('oldestCompletingAgeMs');
    });

    it('count a completion anew once it was refused', async () => {
      const { uploadId } = await begin(pair.first, 'COMPLETING', { redriveAfterMs: 0 });
      await passMs(300);
      await pair.first.refuseCompletion(uploadId, 1, REFUSAL);
      await moveTo(pair.first, uploadId, 'COMPLETING');
      const { oldestCompletingAgeMs } = await pair.second.openUploads();
      expect(oldestCompletingAgeMs).toBeLessThan(300);
    });
  });
}
