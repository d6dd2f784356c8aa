import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/lib/ports/catalog.ts';
import {
  begin,
  CANCEL,
  ENDED_STATES,
  eventsOf,
  HOUR_MS,
  isDue,
  passMs,
  REFUSAL,
} from '../../src/lib/testing/catalog-harness.ts';
import type { SqlFixture } from './sql-fixture.ts';

const STATES = [
  'PENDING',
  'UPLOADING',
  'COMPLETING',
  'COMPLETED',
  'ABORTING',
  'CANCELLED',
  'FAILED',
] as const;
type State = (typeof STATES)[number];

/** Databases of the first version, and its programs beside those of this one. */
export function describePreviousVersion(name: string, setUp: () => Promise<SqlFixture>): void {
  describe(`previous version: ${name}`, () => {
    let fixture: SqlFixture;
    let catalog: Catalog;
    let other: Catalog;

    beforeEach(async () => {
      fixture = await setUp();
      await fixture.createVersion1();
      catalog = fixture.open();
      other = fixture.open();
    });

    afterEach(async () => {
      await catalog.close();
      await other.close();
      await fixture.dispose();
    });

    it('keeps every row when it is migrated by many at once', async () => {
      const uploadIds = new Map<State, string>();
      for (const state of STATES) uploadIds.set(state, await version1.create(state));
      await fixture.query(
        `update nodes set s3_etag = '"e"', proof = 'size', completed_at = ${fixture.time()}
         where upload_state = 'COMPLETED'`,
      );
      const before = await version1.rows();
      const crowd = Array.from({ length: 10 }, () => fixture.open());
      await Promise.all(crowd.map((each) => each.migrate()));
      await Promise.all(crowd.map((each) => each.close()));
      expect(await version1.rows()).toEqual(before);
      for (const [state, uploadId] of uploadIds) {
        expect(await catalog.find(uploadId)).toMatchObject({
          uploadId,
          state,
          createRepeated: false,
          idleLimitMs: HOUR_MS,
          s3Key: `key/${uploadId}`,
        });
      }
      expect(await catalog.find(uploadIds.get('COMPLETED')!)).toMatchObject({ etag: '"e"', proof: 'size' });
    });

    it('is as old as its first migration', async () => {
      await catalog.migrate();
      expect((await other.installation()).createdAtEpochMs).toBe(1_700_000_000_000);
    });

    it('does not tell what ended before there were events, and what was open then when it ends', async () => {
      const uploadIds: string[] = [];
      for (const state of STATES) uploadIds.push(await version1.create(state));
      await catalog.migrate();
      expect(await catalog.writeMissingEvents(100)).toBe(0);
      expect((await catalog.outbox.status()).unsentCount).toBe(0);

      const [pending, uploading, completing, , aborting] = uploadIds as [
        string,
        string,
        string,
        string,
        string,
      ];
      await catalog.finishCompletion(completing, 1, { etag: '"e"', proof: 'size' });
      await catalog.finishAbort(aborting);
      for (const open of [pending, uploading]) {
        await catalog.beginAbort(open, { ...CANCEL, to: 'EXPIRED' });
        await catalog.finishAbort(open);
      }
      const ends = {
        [pending]: 'expired',
        [uploading]: 'expired',
        [completing]: 'completed',
        [aborting]: 'cancelled',
      };
      for (const [uploadId, end] of Object.entries(ends)) {
        expect(await eventsOf(other, uploadId)).toMatchObject([{ type: `io.longhaul.upload.${end}.v1` }]);
      }
      expect((await catalog.outbox.status()).unsentCount).toBe(4);
    });

    it('goes on with its statements on the new tables, from create to each end', async () => {
      await catalog.migrate();
      for (const state of STATES) {
        const uploadId = await version1.create('PENDING');
        await version1.moveTo(uploadId, state);
        expect(await catalog.find(uploadId)).toMatchObject({ state });
      }
    });

    it('has the events of what it ends written by the new version, once', async () => {
      await catalog.migrate();
      const uploadIds: string[] = [];
      for (const state of ['COMPLETED', 'CANCELLED', 'FAILED'] as const) {
        uploadIds.push(await version1.create('PENDING'));
        await version1.moveTo(uploadIds.at(-1)!, state);
      }
      await fixture.query(`update nodes set updated_at = ${fixture.time(-60_000)}, completed_at = null`);
      const counts = await Promise.all(
        Array.from({ length: 10 }, (_, index) => [catalog, other][index % 2]!.writeMissingEvents(100)),
      );
      expect(counts.reduce((sum, count) => sum + count)).toBe(3);
      const rows = await fixture.query(`select ${fixture.epochMs('updated_at')} as ended_at from nodes`);
      for (const [index, type] of ['completed', 'cancelled', 'failed'].entries()) {
        const [event, ...others] = await eventsOf(catalog, uploadIds[index]!);
        expect(others).toEqual([]);
        expect(event).toMatchObject({ type: `io.longhaul.upload.${type}.v1` });
        expect(rows.map((row) => row['ended_at'])).toContain(event!.data.endedAtEpochMs);
      }
      expect(await isDue(catalog, uploadIds[2]!)).toBe(true);
      expect(await catalog.writeMissingEvents(100)).toBe(0);
    });

    it('writes missing events a few at a time', async () => {
      await catalog.migrate();
      for (let index = 0; index < 5; index += 1) {
        await version1.moveTo(await version1.create('PENDING'), 'CANCELLED');
      }
      expect(await catalog.writeMissingEvents(3)).toBe(3);
      expect(await catalog.writeMissingEvents(3)).toBe(2);
    });

    it('does not remove an ended row before its event is written and sent', async () => {
      await catalog.migrate();
      const uploadId = await version1.create('PENDING');
      await version1.moveTo(uploadId, 'CANCELLED');
      await passMs(0);
      expect(await catalog.removeEnded(0)).toBe(0);
      await catalog.writeMissingEvents(1);
      const [event] = await eventsOf(catalog, uploadId);
      await catalog.outbox.settle(event!.id, { kind: 'sent' });
      expect(await catalog.removeEnded(0)).toBe(1);
    });

    it('leaves an abort that the new version ends once the upload has expired', async () => {
      await catalog.migrate();
      const uploadId = await version1.create('PENDING');
      await version1.moveTo(uploadId, 'ABORTING');
      expect(await isDue(catalog, uploadId)).toBe(false);
      await fixture.query(`update nodes set expires_at = ${fixture.time(-1)}`);
      expect(await isDue(catalog, uploadId)).toBe(true);
      await catalog.postpone(uploadId, 'ABORTING', { delayMs: HOUR_MS });
      expect(await isDue(catalog, uploadId)).toBe(false);
      expect(await catalog.finishAbort(uploadId)).toMatchObject({ state: 'CANCELLED' });
    });

    it('saves a multipart id that the new version does not take for a create left behind', async () => {
      await catalog.migrate();
      const { uploadId } = await begin(catalog, 'PENDING', { draft: { pendingLimitMs: 0 } });
      await version1.moveTo(uploadId, 'UPLOADING');
      await passMs(0);
      const intent = { to: 'EXPIRED', redriveAfterMs: HOUR_MS, onlyIfDue: true } as const;
      expect(await isDue(catalog, uploadId)).toBe(true);
      expect(await catalog.beginAbort(uploadId, intent)).toBeUndefined();
      await catalog.extendExpiry(uploadId, 0);
      expect(await isDue(catalog, uploadId)).toBe(false);
    });

    it('reopens what the new version began, which completes again', async () => {
      await catalog.migrate();
      const { uploadId } = await begin(catalog, 'COMPLETING', { redriveAfterMs: 0 });
      await passMs(0);
      await catalog.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: HOUR_MS });
      await version1.moveTo(uploadId, 'UPLOADING');
      await catalog.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: HOUR_MS });
      expect(await catalog.refuseCompletion(uploadId, 3, REFUSAL)).toMatchObject({ state: 'UPLOADING' });
    });

    it('leaves no row in which an abort may begin beside an attempt', async () => {
      await catalog.migrate();
      const before = await begin(catalog, 'UPLOADING');
      await fixture.query(`update nodes set complete_sent_at = ${fixture.time()}`);
      expect(await catalog.beginAbort(before.uploadId, CANCEL)).toBeUndefined();
      expect(await catalog.find(before.uploadId)).toMatchObject({ state: 'UPLOADING' });
    });

    it('completes an upload of unknown size only at its full reach, which is its size then', async () => {
      await catalog.migrate();
      const plan = { sizeBytes: null, partSizeBytes: 100, maxSizeBytes: 100, maxPartCount: 1 } as const;
      const { uploadId } = await begin(catalog, 'UPLOADING', { draft: { plan } });
      for (const state of ['COMPLETING', 'COMPLETED'] as const) {
        await version1.moveTo(uploadId, state);
        expect(await catalog.find(uploadId)).toMatchObject({
          state,
          plan: { sizeBytes: 100, partSizeBytes: 100, partCount: 1 },
        });
      }
      await catalog.writeMissingEvents(100);
      expect(await eventsOf(other, uploadId)).toMatchObject([{ data: { sizeBytes: 100, partCount: 1 } }]);
    });

    it('and the new version finish one upload once', async () => {
      await catalog.migrate();
      const { uploadId } = await begin(catalog, 'COMPLETING');
      await Promise.all([
        version1.moveTo(uploadId, 'COMPLETED'),
        catalog.finishCompletion(uploadId, 1, { etag: '"e"', proof: 'size' }),
      ]);
      await catalog.writeMissingEvents(100);
      expect(await eventsOf(other, uploadId)).toHaveLength(1);
      const record = await catalog.find(uploadId);
      expect(ENDED_STATES).toContain(record?.state);
    });

    // What a program of the first version sends, as far as it matters here.
    const version1 = {
      async create(state: State): Promise<string> {
        const uploadId = randomUUID();
        await fixture.query(`
          insert into nodes (
            document_id, connector_id, owner, create_id, request_digest, name, bucket, s3_key, write_token,
            size_bytes, part_size_bytes, part_count, mode, content_type, metadata, resumable, resume_key,
            idle_limit_ms, created_at, updated_at, expires_at
          ) values (
            '${uploadId}', 'default', 'owner', '${uploadId}', 'digest', 'film.mov', 'media', 'key/${uploadId}', 'token',
            100, 100, 1, 'multipart', 'video/quicktime', '{}', true, '${uploadId}',
            ${HOUR_MS}, ${fixture.time()}, ${fixture.time()}, ${fixture.time(HOUR_MS)}
          )`);
        await version1.moveTo(uploadId, state);
        return uploadId;
      },

      async moveTo(uploadId: string, state: State): Promise<void> {
        const now = fixture.time();
        const change = async (set: string, where: string): Promise<void> => {
          await fixture.query(
            `update nodes set ${set}, updated_at = ${now} where document_id = '${uploadId}' and (${where})`,
          );
        };
        const open = (): Promise<void> =>
          change(
            `upload_state = 'UPLOADING', s3_upload_id = 's3', must_finish_by = null`,
            `upload_state = 'PENDING'`,
          );
        const beginCompletion = (): Promise<void> =>
          change(
            `upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = '',
             complete_sent_at = ${now}, next_attempt_at = ${fixture.time(HOUR_MS)}`,
            `upload_state = 'UPLOADING' or (upload_state = 'COMPLETING' and next_attempt_at <= ${now})`,
          );
        const beginAbort = (): Promise<void> =>
          change(
            `upload_state = 'ABORTING'`,
            `upload_state in ('PENDING', 'UPLOADING') and complete_sent_at is null`,
          );
        const atEpoch = `upload_state = 'COMPLETING' and epoch > 0`;
        switch (state) {
          case 'PENDING':
            return;
          case 'UPLOADING':
            await open();
            await change(
              `upload_state = 'UPLOADING', last_error = 'refused', complete_sent_at = null,
               next_attempt_at = null, parts_digest = null`,
              atEpoch,
            );
            return;
          case 'COMPLETING':
            await open();
            await beginCompletion();
            return;
          case 'COMPLETED':
            await open();
            await beginCompletion();
            await change(
              `upload_state = 'COMPLETED', s3_etag = '"e"', s3_version_id = null, proof = 'size',
               completed_at = ${now}, next_attempt_at = null, last_error = null`,
              atEpoch,
            );
            return;
          case 'FAILED':
            await open();
            await beginCompletion();
            await change(
              `upload_state = 'FAILED', last_error = 'integrity', next_attempt_at = null`,
              atEpoch,
            );
            return;
          case 'ABORTING':
            await beginAbort();
            return;
          case 'CANCELLED':
            await beginAbort();
            await change(`upload_state = 'CANCELLED'`, `upload_state = 'ABORTING'`);
        }
      },

      /** Every row with the columns that the first version knows. */
      async rows(): Promise<readonly Record<string, unknown>[]> {
        return fixture.query(`
          select document_id, connector_id, owner, create_id, request_digest, name, bucket, s3_key, s3_upload_id,
            write_token, s3_version_id, s3_etag, size_bytes, part_size_bytes, part_count, mode, content_type,
            cast(metadata as text) as metadata, upload_state, status, fingerprint, resumable, resume_key, epoch,
            token_version, parts_digest, complete_sent_at, next_attempt_at, created_at, updated_at, expires_at,
            idle_limit_ms, must_finish_by, grants_expire_at, cancel_requested, proof, completed_at, last_error
          from nodes order by document_id`);
      },
    };
  });
}
