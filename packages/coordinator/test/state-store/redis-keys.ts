import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StateStore } from '../../src/lib/ports/state-store.ts';
import { createRedisState } from '../../src/redis.ts';

/** What other programs may rely on when they look into Redis, and what a half-made record is worth. */
export function describeRedisKeys(connect: () => Redis | Cluster): void {
  describe('keys', () => {
    let redis: Redis | Cluster;
    let state: StateStore;

    beforeAll(() => {
      redis = connect();
      state = createRedisState({ redis });
    });

    afterAll(() => state.close());

    const uploadOf = (uploadId: string) =>
      ({
        uploadId,
        owner: 'owner',
        s3Key: 'connectors/default/node',
        s3UploadId: 's3-id',
        status: 'UPLOADING',
        plan: { sizeBytes: 20, partSizeBytes: 8, partCount: 3 },
        encryption: { mode: 'sse-kms', kmsKeyId: 'key' },
        tokenVersion: 4,
        createdAtEpochMs: 1_700_000_000_000,
      }) as const;

    it('has the named fields, and no counter', async () => {
      const id = randomUUID();
      await state.restore(uploadOf(id), [{ partNumber: 1, sizeBytes: 8, etag: '"e"' }]);
      expect(await redis.hgetall(`upload:{${id}}:state`)).toEqual({
        node_id: id,
        owner: 'owner',
        s3_key: 'connectors/default/node',
        s3_upload_id: 's3-id',
        status: 'UPLOADING',
        expected_size: '20',
        part_size: '8',
        total_chunks: '3',
        size_unknown: '',
        double_every: '',
        encryption_type: 'sse-kms',
        encryption: '{"mode":"sse-kms","kmsKeyId":"key"}',
        checksum_algorithm: '',
        token_version: '4',
        created_at: '1700000000000',
        rebuilt: '1',
      });
      expect(await redis.hgetall(`upload:{${id}}:etags`)).toEqual({ 1: '{"etag":"\\"e\\"","size":8}' });
    });

    it('says how an upload has ended, in fields of their own', async () => {
      const id = randomUUID();
      await state.restore(uploadOf(id), [{ partNumber: 1, sizeBytes: 8, etag: '"e"' }]);
      const end = { status: 'COMPLETED', etag: '"f-1"', versionId: 'v/1', completedAtEpochMs: 5 } as const;
      await state.finish(id, end);
      expect(await redis.hgetall(`upload:{${id}}:state`)).toMatchObject({
        status: 'COMPLETED',
        final_etag: '"f-1"',
        s3_version_id: 'v/1',
        completed_at: '5',
      });
      expect(await redis.exists(`upload:{${id}}:etags`)).toBe(0);
      expect(await redis.ttl(`upload:{${id}}:state`)).toBeGreaterThan(86_000);
      await state.finish(id, { status: 'FAILED', error: 'integrity' });
      expect(await redis.hget(`upload:{${id}}:state`, 'error_message')).toBe('integrity');
    });

    it('lives for a day unless told otherwise', async () => {
      const id = randomUUID();
      await state.restore(uploadOf(id), []);
      expect(await redis.ttl(`upload:{${id}}:state`)).toBeGreaterThan(86_000);
    });

    it('leaves nothing behind when removed', async () => {
      const id = randomUUID();
      await state.restore(uploadOf(id), [{ partNumber: 1, sizeBytes: 8, etag: '"e"' }]);
      await state.remove(id);
      expect(await redis.exists(`upload:{${id}}:state`, `upload:{${id}}:etags`)).toBe(0);
    });

    it('takes a record without its mark for none, and replaces it as a whole', async () => {
      const id = randomUUID();
      await redis.hset(`upload:{${id}}:state`, { node_id: id, status: 'UPLOADING', stale: '1' });
      await redis.hset(`upload:{${id}}:etags`, { 1: '{"etag":"\\"stale\\"","size":8}' });
      expect(await state.find(id)).toBeUndefined();
      expect(await state.parts(id)).toEqual([]);
      expect(await state.record(id, [{ partNumber: 2, sizeBytes: 8, etag: '"e"' }])).toEqual({
        kind: 'absent',
      });
      await state.setStatus(id, 'COMPLETING');
      expect(await redis.hget(`upload:{${id}}:state`, 'status')).toBe('UPLOADING');

      await state.restore(uploadOf(id), [{ partNumber: 3, sizeBytes: 8, etag: '"listed"' }]);
      expect(await state.find(id)).toEqual(uploadOf(id));
      expect(await state.parts(id)).toEqual([{ partNumber: 3, sizeBytes: 8, etag: '"listed"' }]);
      expect(await redis.hexists(`upload:{${id}}:state`, 'stale')).toBe(0);
    });

    it.each([0, -1, 1.5, Number.NaN])('refuses a life of %d seconds', (ttlSeconds) => {
      expect(() => createRedisState({ redis, ttlSeconds })).toThrow(TypeError);
    });
  });
}
