import { describeStateStore } from '@longhaul/coordinator/testing';
import { describe, expect, it } from 'vitest';
import { createSimulatedState } from './simulated-state.ts';

const TTL_SECONDS = 500;

describeStateStore('simulated', async () => {
  const { store, remainingSeconds, shorten } = createSimulatedState({
    nowEpochMs: Date.now,
    ttlSeconds: TTL_SECONDS,
  });
  return {
    store,
    life: {
      ttlSeconds: TTL_SECONDS,
      remainingSeconds: async (uploadId) => remainingSeconds(uploadId),
      shorten: async (uploadId, seconds) => shorten(uploadId, seconds),
    },
    dispose: () => Promise.resolve(),
  };
});

describe('the simulated state store in trouble', () => {
  const upload = {
    uploadId: 'u',
    owner: 'o',
    s3Key: 'k',
    s3UploadId: 's',
    status: 'UPLOADING',
    plan: { sizeBytes: 1, partSizeBytes: 1, partCount: 1 },
    tokenVersion: 1,
    createdAtEpochMs: 0,
  } as const;
  const part = { partNumber: 1, sizeBytes: 1, etag: '"e"' };

  it('forgets what was written last when it fails over', async () => {
    let nowMs = 0;
    const state = createSimulatedState({ nowEpochMs: () => nowMs, ttlSeconds: TTL_SECONDS });
    await state.store.restore(upload, []);
    nowMs = 5_000;
    await state.store.record('u', [part]);
    state.loseLast(1_000);
    expect(await state.store.find('u')).toEqual(upload);
    expect(await state.store.parts('u')).toEqual([]);
  });

  it.each(['read-only', 'full'] as const)('reads and does not write while it is %s', async (trouble) => {
    const state = createSimulatedState({ nowEpochMs: () => 0, ttlSeconds: TTL_SECONDS });
    await state.store.restore(upload, []);
    state.setTrouble(trouble);
    expect(await state.store.find('u')).toEqual(upload);
    await expect(state.store.record('u', [part])).rejects.toMatchObject({ name: 'StateStoreError' });
  });
});
