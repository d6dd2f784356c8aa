import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  begin,
  BUCKET,
  CANCEL,
  ENDED_STATES,
  eventsOf,
  exampleDraft,
  HOUR_MS,
  isDue,
  moveTo,
  passMs,
  REFUSAL,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

/** Looking after uploads that nobody else looks after. */
export function describeSweep(setUp: SetUpCatalog): void {
  describe('what is due', () => describeDue(setUp));
  describe('claims', () => describeClaims(setUp));
  describe('putting off', () => describePutOff(setUp));
  describe('reports', () => describeReports(setUp));
  describe('retention', () => describeRetention(setUp));
}

function describeDue(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('is a create that nobody has finished', async () => {
    const young = await begin(pair.first, 'PENDING', { draft: { pendingLimitMs: HOUR_MS } });
    const left = await begin(pair.first, 'PENDING', { draft: { pendingLimitMs: 0 } });
    await passMs(0);
    expect(await isDue(pair.second, young.uploadId)).toBe(false);
    expect(await isDue(pair.second, left.uploadId)).toBe(true);
  });

  it.each(['PENDING', 'UPLOADING'] as const)('is an upload that is %s and has expired', async (state) => {
    const active = await begin(pair.first, state, { draft: { idleLimitMs: HOUR_MS } });
    const idle = await begin(pair.first, state, { draft: { idleLimitMs: 0 } });
    await passMs(0);
    expect(await isDue(pair.first, active.uploadId)).toBe(false);
    expect(await isDue(pair.first, idle.uploadId)).toBe(true);
  });

  it('is no multipart upload for being open', async () => {
    const { uploadId } = await begin(pair.first, 'UPLOADING', { draft: { pendingLimitMs: 0 } });
    await passMs(0);
    expect(await isDue(pair.first, uploadId)).toBe(false);
  });

  it.each([
    ['inline', true],
    ['single', false],
  ] as const)('is an open %s upload after the limit of its create: %s', async (mode, due) => {
    const { uploadId } = await begin(pair.first, 'PENDING', { draft: { mode, pendingLimitMs: 0 } });
    await pair.first.openWithoutMultipart(uploadId);
    await passMs(0);
    expect(await isDue(pair.first, uploadId)).toBe(due);
  });

  it.each(['COMPLETING', 'ABORTING'] as const)(
    'is one that is %s once its driver had its time',
    async (state) => {
      const busy = await begin(pair.first, state, { redriveAfterMs: HOUR_MS });
      const left = await begin(pair.first, state, { redriveAfterMs: 0 });
      await passMs(0);
      expect(await isDue(pair.first, busy.uploadId)).toBe(false);
      expect(await isDue(pair.first, left.uploadId)).toBe(true);
    },
  );

  it.each(['COMPLETING', 'ABORTING', 'COMPLETED', 'CANCELLED', 'EXPIRED'] as const)(
    'is not one that is %s for its expiry',
    async (state) => {
      const { uploadId } = await begin(pair.first, state, { draft: { idleLimitMs: 0 } });
      await passMs(0);
      expect(await isDue(pair.first, uploadId)).toBe(false);
    },
  );

  it.each(['CANCELLED', 'EXPIRED'] as const)('is one that is %s once more, if asked for', async (to) => {
    const end = async (checkAgainAfterMs: number): Promise<string> => {
      const { uploadId } = await begin(pair.first, 'UPLOADING');
      await pair.first.beginAbort(uploadId, { to, redriveAfterMs: HOUR_MS });
      await pair.first.finishAbort(uploadId, { checkAgainAfterMs });
      return uploadId;
    };
    const [later, now] = [await end(HOUR_MS), await end(0)];
    await passMs(0);
    expect(await isDue(pair.first, later)).toBe(false);
    expect(await isDue(pair.first, now)).toBe(true);
    await pair.first.finishCleanup(now);
    expect(await isDue(pair.first, now)).toBe(false);
  });

  it('is one that has failed until it is cleaned up', async () => {
    const failed = await begin(pair.first, 'FAILED');
    expect(await isDue(pair.first, failed.uploadId)).toBe(true);
    await pair.second.finishCleanup(failed.uploadId);
    expect(await isDue(pair.first, failed.uploadId)).toBe(false);
    const { nextAttemptAtEpochMs: _, ...kept } = failed;
    expect(await pair.first.find(failed.uploadId)).toEqual(kept);
  });

  it.each(['PENDING', 'COMPLETING', 'ABORTING'] as const)(
    'is not cleaned up while it is %s',
    async (state) => {
      const before = await begin(pair.first, state);
      await pair.first.finishCleanup(before.uploadId);
      expect(await pair.first.find(before.uploadId)).toEqual(before);
    },
  );
}

function describeClaims(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('come longest due first, as many as wanted', async () => {
    const uploadIds: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      uploadIds.push((await begin(pair.first, 'PENDING', { draft: { pendingLimitMs: 0 } })).uploadId);
      await passMs(0);
    }
    const some = await pair.first.claimDue({ bucket: BUCKET, limit: 3, leaseMs: HOUR_MS });
    expect(some.map(({ uploadId }) => uploadId)).toEqual(uploadIds.slice(0, 3));
    const others = await pair.second.claimDue({ bucket: BUCKET, limit: 10, leaseMs: HOUR_MS });
    expect(others.map(({ uploadId }) => uploadId)).toEqual(uploadIds.slice(3));
  });

  it('are of one bucket alone', async () => {
    const { uploadId } = await begin(pair.first, 'FAILED', { draft: { bucket: 'films' } });
    expect(await pair.first.claimDue({ bucket: BUCKET, limit: 10, leaseMs: HOUR_MS })).toEqual([]);
    expect(await pair.first.claimDue({ bucket: 'films', limit: 10, leaseMs: HOUR_MS })).toMatchObject([
      { uploadId },
    ]);
  });

  it('bring the whole record', async () => {
    const { uploadId } = await begin(pair.first, 'FAILED');
    expect(await pair.second.claimDue({ bucket: BUCKET, limit: 10, leaseMs: HOUR_MS })).toEqual([
      await pair.first.find(uploadId),
    ]);
  });

  it('hide a row for the length of the lease', async () => {
    const { uploadId } = await begin(pair.first, 'FAILED');
    const first = await pair.first.claimDue({ bucket: BUCKET, limit: 10, leaseMs: 0 });
    expect(first.map((record) => record.uploadId)).toEqual([uploadId]);
    await passMs(0);
    expect(await pair.second.claimDue({ bucket: BUCKET, limit: 10, leaseMs: HOUR_MS })).toHaveLength(1);
    expect(await pair.first.claimDue({ bucket: BUCKET, limit: 10, leaseMs: HOUR_MS })).toEqual([]);
  });

  it('of several sweepers never meet', async () => {
    const begun = Array.from({ length: 60 }, () => begin(pair.first, 'FAILED'));
    const uploadIds = (await Promise.all(begun)).map(({ uploadId }) => uploadId);
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        pair.both()[index % 2]!.claimDue({ bucket: BUCKET, limit: 7, leaseMs: HOUR_MS }),
      ),
    );
    const claimed = claims.flat().map(({ uploadId }) => uploadId);
    expect(claimed.toSorted()).toEqual([...new Set(claimed)].toSorted());
    const rest = await pair.first.claimDue({ bucket: BUCKET, limit: 100, leaseMs: HOUR_MS });
    const all = [...claimed, ...rest.map(({ uploadId }) => uploadId)];
    expect(all.toSorted()).toEqual(uploadIds.toSorted());
  });

  it('take no right away: whoever comes may complete and cancel', async () => {
    const { uploadId } = await begin(pair.first, 'COMPLETING', { redriveAfterMs: 0 });
    await passMs(0);
    await pair.first.claimDue({ bucket: BUCKET, limit: 10, leaseMs: HOUR_MS });
    expect(await pair.second.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 0 })).toMatchObject(
      { epoch: 2 },
    );
  });
}

function describePutOff(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it.each([
    ['PENDING', { pendingLimitMs: 0 }],
    ['UPLOADING', { idleLimitMs: 0 }],
    ['COMPLETING', {}],
    ['ABORTING', {}],
    ['FAILED', {}],
  ] as const)('makes one that is %s due later', async (state, draft) => {
    const { uploadId } = await begin(pair.first, state, { draft, redriveAfterMs: 0 });
    await passMs(0);
    expect(await isDue(pair.first, uploadId)).toBe(true);
    await pair.first.postpone(uploadId, state, { delayMs: HOUR_MS, lastError: 'not now' });
    expect(await isDue(pair.second, uploadId)).toBe(false);
    expect(await pair.first.find(uploadId)).toMatchObject({ state, lastError: 'not now' });
    await pair.first.postpone(uploadId, state, { delayMs: 0 });
    await passMs(0);
    expect(await isDue(pair.second, uploadId)).toBe(true);
  });

  it('keeps the reason that it had if it is given none', async () => {
    const { uploadId } = await begin(pair.first, 'FAILED');
    await pair.first.postpone(uploadId, 'FAILED', { delayMs: 0 });
    expect(await pair.first.find(uploadId)).toMatchObject({ lastError: 'reason' });
  });

  it('does nothing in another state', async () => {
    const before = await begin(pair.first, 'FAILED');
    await pair.first.postpone(before.uploadId, 'ABORTING', { delayMs: HOUR_MS, lastError: 'late' });
    expect(await pair.first.find(before.uploadId)).toEqual(before);
  });

  it('leaves an expired upload to the activity that comes meanwhile', async () => {
    const { uploadId } = await begin(pair.first, 'PENDING', { draft: { mode: 'single', idleLimitMs: 0 } });
    await pair.first.openWithoutMultipart(uploadId);
    await passMs(0);
    await pair.first.postpone(uploadId, 'UPLOADING', { delayMs: 0 });
    await pair.first.extendExpiry(uploadId, Date.now() + HOUR_MS);
    await passMs(0);
    expect(await isDue(pair.first, uploadId)).toBe(false);
  });

  it.each([
    ['postpone', 0],
    ['postponeCompletion', 0],
    ['refuseCompletion', 1],
  ] as const)('%s ends an older claim', async (call, rounds) => {
    const { uploadId } = await begin(pair.first, 'COMPLETING', { redriveAfterMs: 0 });
    for (let round = 0; round < rounds; round += 1) {
      await passMs(0);
      await pair.first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 0 });
    }
    await passMs(0);
    await pair.first.claimDue({ bucket: BUCKET, limit: 100, leaseMs: HOUR_MS });
    expect(await isDue(pair.second, uploadId)).toBe(false);
    const reason = { lastError: 'x', redriveAfterMs: 0 };
    const epoch = 1 + rounds;
    if (call === 'postpone') await pair.first.postpone(uploadId, 'COMPLETING', { delayMs: 0 });
    if (call === 'postponeCompletion') await pair.first.postponeCompletion(uploadId, epoch, reason);
    if (call === 'refuseCompletion')
      await pair.first.refuseCompletion(uploadId, epoch, { ...REFUSAL, ...reason });
    await passMs(0);
    expect(await isDue(pair.second, uploadId)).toBe(true);
  });

  it.each(['PENDING', 'UPLOADING'] as const)(
    'extends the expiry of one that is %s, never back',
    async (state) => {
      const { uploadId, expiresAtEpochMs, idleLimitMs } = await begin(pair.first, state);
      const lastActiveAtEpochMs = expiresAtEpochMs + 123;
      await pair.first.extendExpiry(uploadId, lastActiveAtEpochMs);
      const extended = await pair.second.find(uploadId);
      expect(extended?.expiresAtEpochMs).toBe(lastActiveAtEpochMs + idleLimitMs);
      await pair.first.extendExpiry(uploadId, lastActiveAtEpochMs - HOUR_MS);
      expect(await pair.first.find(uploadId)).toEqual(extended);
    },
  );

  it.each(['COMPLETING', 'ABORTING', ...ENDED_STATES] as const)(
    'extends no expiry of one that is %s',
    async (state) => {
      const before = await begin(pair.first, state);
      await pair.first.extendExpiry(before.uploadId, before.expiresAtEpochMs + HOUR_MS);
      expect(await pair.first.find(before.uploadId)).toEqual(before);
    },
  );
}

function describeReports(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('tells when the oldest upload was created that has not ended', async () => {
    expect(await pair.first.oldestOpenCreatedAtEpochMs()).toBeUndefined();
    for (const state of ENDED_STATES) await begin(pair.first, state);
    expect(await pair.first.oldestOpenCreatedAtEpochMs()).toBeUndefined();
    const open = [];
    for (const state of ['COMPLETING', 'ABORTING', 'UPLOADING', 'PENDING'] as const) {
      await passMs(0);
      open.push(await begin(pair.first, state));
    }
    expect(await pair.second.oldestOpenCreatedAtEpochMs()).toBe(open[0]?.createdAtEpochMs);
  });

  it('finds rows by their object keys', async () => {
    const keys = [`a/${randomUUID()}`, `it's "b", {c}\\/${randomUUID()}`, `ü/文件/🗂️/${randomUUID()}`];
    for (const s3Key of keys) await begin(pair.first, 'UPLOADING', { draft: { s3Key } });
    const found = await pair.second.findByKeys([...keys.slice(1), 'nobody/knows/it']);
    expect(found.map(({ s3Key }) => s3Key).toSorted()).toEqual(keys.slice(1).toSorted());
    expect(found[0]).toEqual(await pair.first.find(found[0]!.uploadId));
    expect(await pair.first.findByKeys([])).toEqual([]);
  });

  it('has no events to write of rows that have ended with one', async () => {
    for (const state of ENDED_STATES) await begin(pair.first, state);
    expect(await pair.first.writeMissingEvents(100)).toBe(0);
  });

  it('does nothing for ids that it never saw', async () => {
    for (const id of [randomUUID(), 'no-uuid']) {
      await pair.first.extendExpiry(id, 0);
      await pair.first.postpone(id, 'UPLOADING', { delayMs: 0 });
      await pair.first.finishCleanup(id);
      expect(await pair.first.repeatCreate(id, 0)).toBeUndefined();
      expect(await pair.first.beginAbort(id, CANCEL)).toBeUndefined();
      expect(await pair.first.finishAbort(id)).toBeUndefined();
    }
  });
}

function describeRetention(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  const tell = async (uploadId: string): Promise<void> => {
    for (const { id } of await eventsOf(pair.first, uploadId)) {
      await pair.first.outbox.settle(id, { kind: 'sent' });
    }
  };

  it('removes what ended without an object long ago, is told and is clean', async () => {
    const ended = [];
    for (const state of ['CANCELLED', 'EXPIRED', 'FAILED'] as const) {
      const { uploadId } = await begin(pair.first, state);
      await tell(uploadId);
      await pair.first.finishCleanup(uploadId);
      ended.push(uploadId);
    }
    await passMs(0);
    expect(await pair.first.removeEnded(HOUR_MS)).toBe(0);
    expect(await pair.second.removeEnded(0)).toBe(3);
    for (const uploadId of ended) expect(await pair.first.find(uploadId)).toBeUndefined();
  });

  it('removes no more at once than asked for, rows and events', async () => {
    for (let count = 0; count < 3; count += 1) {
      const { uploadId } = await begin(pair.first, 'CANCELLED');
      await tell(uploadId);
      await pair.first.finishCleanup(uploadId);
    }
    await passMs(0);
    const remove = async (): Promise<readonly number[]> => [
      await pair.first.removeEnded(0, 2),
      await pair.second.outbox.removeSent(0, 2),
    ];
    const [rows, events = 0] = await remove();
    expect([rows, events]).toEqual([2, 2]);
    expect(await pair.first.removeEnded(0, 2)).toBe(1);
    while ((await pair.first.outbox.removeSent(0, 2)) > 0);
  });

  it.each(['CANCELLED', 'FAILED'] as const)('keeps one that is %s and not told', async (state) => {
    const { uploadId } = await begin(pair.first, state);
    await pair.first.finishCleanup(uploadId);
    await passMs(0);
    expect(await pair.first.removeEnded(0)).toBe(0);
    await tell(uploadId);
    expect(await pair.first.removeEnded(0)).toBe(1);
  });

  it('keeps one that is not clean', async () => {
    const { uploadId } = await begin(pair.first, 'ABORTING');
    await pair.first.finishAbort(uploadId, { checkAgainAfterMs: HOUR_MS });
    await tell(uploadId);
    await passMs(0);
    expect(await pair.first.removeEnded(0)).toBe(0);
    await pair.first.finishCleanup(uploadId);
    expect(await pair.first.removeEnded(0)).toBe(1);
  });

  it('counts from the end, not from the clean-up', async () => {
    const { uploadId } = await begin(pair.first, 'FAILED');
    await tell(uploadId);
    await passMs(200);
    await pair.first.postpone(uploadId, 'FAILED', { delayMs: 0 });
    await pair.first.finishCleanup(uploadId);
    expect(await pair.first.removeEnded(200)).toBe(1);
  });

  it.each(['PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING', 'COMPLETED'] as const)(
    'keeps what is %s',
    async (state) => {
      const { record } = await pair.first.insert(exampleDraft());
      const before = await moveTo(pair.first, record.uploadId, state);
      await tell(record.uploadId);
      await passMs(0);
      await pair.first.removeEnded(0);
      expect(await pair.first.find(record.uploadId)).toEqual(before);
    },
  );
}
