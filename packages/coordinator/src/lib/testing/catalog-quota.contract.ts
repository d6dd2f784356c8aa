import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { UploadDraft, UploadRecord } from '../ports/upload-record.ts';
import {
  exampleDraft,
  moveTo,
  PLAN,
  sameContentAs,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

const OPEN_PLAN = { sizeBytes: null, partSizeBytes: 5, maxSizeBytes: 5_000, maxPartCount: 1_000 } as const;

/** Quotas of owners, and the revocation of tokens. */
export function describeQuota(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  const draftOf = (owner: string, sizeBytes = 10): UploadDraft =>
    exampleDraft({ owner, plan: { ...PLAN, sizeBytes } });
  const streamOf = (owner: string): UploadDraft => {
    const { fingerprint: _, ...draft } = exampleDraft({ owner, plan: OPEN_PLAN, resumable: false });
    return draft;
  };
  const refused = (limit: string) => ({ name: 'QuotaExceededError', limit });

  describe('quota', () => {
    it.each(['PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING'] as const)(
      'counts an upload in %s as open',
      async (state) => {
        const owner = randomUUID();
        const quota = { maxOpenUploads: 1 };
        const { record } = await pair.first.insert(draftOf(owner), quota);
        await moveTo(pair.first, record.uploadId, state);
        await expect(pair.second.insert(draftOf(owner), quota)).rejects.toMatchObject(
          refused('maxOpenUploads'),
        );
        const others = await pair.second.insert(draftOf(randomUUID()), quota);
        expect(others.kind).toBe('inserted');
      },
    );

    it.each(['COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED'] as const)(
      'counts an upload in %s as open no more',
      async (state) => {
        const owner = randomUUID();
        const quota = { maxOpenUploads: 1, maxOpenBytes: 10 };
        const { record } = await pair.first.insert(draftOf(owner), quota);
        await moveTo(pair.first, record.uploadId, state);
        expect((await pair.second.insert(draftOf(owner), quota)).kind).toBe('inserted');
      },
    );

    it('counts stored bytes beside open ones, and none of what ended without an object', async () => {
      const owner = randomUUID();
      const quota = { maxBytes: 30 };
      for (const state of ['COMPLETED', 'UPLOADING', 'CANCELLED', 'FAILED'] as const) {
        const { record } = await pair.first.insert(draftOf(owner), quota);
        await moveTo(pair.first, record.uploadId, state);
      }
      await expect(pair.first.insert(draftOf(owner, 11), quota)).rejects.toMatchObject(refused('maxBytes'));
      expect((await pair.first.insert(draftOf(owner, 10), quota)).kind).toBe('inserted');
      await expect(pair.first.insert(draftOf(owner, 1), quota)).rejects.toMatchObject(refused('maxBytes'));
    });

    it('writes nothing when it refuses', async () => {
      const draft = draftOf(randomUUID());
      await expect(pair.first.insert(draft, { maxOpenBytes: 9 })).rejects.toMatchObject(
        refused('maxOpenBytes'),
      );
      expect(await pair.first.find(draft.uploadId)).toBeUndefined();
    });

    it('lets those pass who come back to what they have', async () => {
      const draft = draftOf(randomUUID());
      const full = { maxOpenUploads: 1, maxOpenBytes: 10, maxBytes: 10 };
      await pair.first.insert(draft, full);
      const again = { ...sameContentAs(draft), createId: draft.createId, fingerprint: randomUUID() };
      expect((await pair.second.insert(again, full)).kind).toBe('repeated');
      expect((await pair.second.insert(sameContentAs(draft), full)).kind).toBe('open');
    });

    it('is kept however many create at once, from two connections', async () => {
      const owner = randomUUID();
      const quota = { maxOpenUploads: 3 };
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => pair.both()[index % 2]!.insert(draftOf(owner), quota)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(refused('maxOpenUploads'));
    });

    it('that limits nothing refuses nothing', async () => {
      const owner = randomUUID();
      for (let count = 0; count < 3; count += 1)
        expect((await pair.first.insert(draftOf(owner), {})).kind).toBe('inserted');
    });
  });

  describe('reserve', () => {
    it('counts an upload of unknown size as far as it was reserved, never back', async () => {
      const owner = randomUUID();
      const quota = { maxOpenBytes: 100 };
      const { record } = await pair.first.insert(streamOf(owner), quota);
      await pair.first.reserve(record.uploadId, 80, quota);
      await pair.second.reserve(record.uploadId, 10, quota);
      await expect(pair.second.insert(draftOf(owner, 21), quota)).rejects.toMatchObject(
        refused('maxOpenBytes'),
      );
      expect((await pair.second.insert(draftOf(owner, 20), quota)).kind).toBe('inserted');
    });

    it('refuses what is over the quota, and keeps what was', async () => {
      const owner = randomUUID();
      const quota = { maxBytes: 100 };
      const { record } = await pair.first.insert(streamOf(owner), quota);
      await pair.first.reserve(record.uploadId, 60, quota);
      await expect(pair.first.reserve(record.uploadId, 101, quota)).rejects.toMatchObject(
        refused('maxBytes'),
      );
      expect((await pair.first.insert(draftOf(owner, 40), quota)).kind).toBe('inserted');
    });

    it('is kept however many reserve at once, from two connections', async () => {
      const owner = randomUUID();
      const quota = { maxOpenBytes: 30 };
      const records: UploadRecord[] = [];
      for (let count = 0; count < 6; count += 1)
        records.push((await pair.first.insert(streamOf(owner), quota)).record);
      const outcomes = await Promise.allSettled(
        records.map(({ uploadId }, index) => pair.both()[index % 2]!.reserve(uploadId, 10, quota)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    });

    it('changes nothing where the size is known, or nothing is', async () => {
      const owner = randomUUID();
      const { record } = await pair.first.insert(draftOf(owner));
      await pair.first.reserve(record.uploadId, 1_000, { maxOpenBytes: 10 });
      await pair.first.reserve(randomUUID(), 1_000, { maxOpenBytes: 10 });
      await pair.first.reserve('no-uuid', 1_000, { maxOpenBytes: 10 });
      expect((await pair.first.insert(draftOf(owner), { maxOpenBytes: 20 })).kind).toBe('inserted');
    });

    it('gives way to the size once it is known', async () => {
      const owner = randomUUID();
      const quota = { maxBytes: 100 };
      const { record } = await pair.first.insert(streamOf(owner), quota);
      await pair.first.reserve(record.uploadId, 90, quota);
      await moveTo(pair.first, record.uploadId, 'UPLOADING');
      const size = { sizeBytes: 7, partCount: 2 };
      await pair.first.beginCompletion(record.uploadId, { partsDigest: '', redriveAfterMs: 60_000, size });
      await moveTo(pair.first, record.uploadId, 'COMPLETED');
      expect((await pair.first.insert(draftOf(owner, 93), quota)).kind).toBe('inserted');
      await expect(pair.first.insert(draftOf(owner, 1), quota)).rejects.toMatchObject(refused('maxBytes'));
    });
  });

  describe('revokeTokens', () => {
    it.each(['PENDING', 'UPLOADING', 'COMPLETING', 'COMPLETED', 'CANCELLED'] as const)(
      'counts up in %s',
      async (state) => {
        const { record } = await pair.first.insert(exampleDraft());
        await moveTo(pair.first, record.uploadId, state);
        await Promise.all(pair.both().map((catalog) => catalog.revokeTokens(record.uploadId)));
        expect(await pair.second.find(record.uploadId)).toMatchObject({ tokenVersion: 3, state });
      },
    );

    it('knows nothing of other ids', async () => {
      for (const id of [randomUUID(), 'no-uuid', ''])
        expect(await pair.first.revokeTokens(id)).toBeUndefined();
    });
  });
}
