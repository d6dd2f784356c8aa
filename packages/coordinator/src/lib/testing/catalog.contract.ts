import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_OBJECT_SIZE_BYTES, MAX_PART_SIZE_BYTES, MAX_PARTS, type UploadState } from '@longhaul/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Catalog, InsertOutcome, UploadDraft, UploadRecord } from '../ports/catalog.ts';

/** A database for one run of {@link describeCatalog}, empty at first. */
export interface CatalogFixture {
  /** Opens a catalog over a connection of its own. Every one of them sees the same database. */
  open(): Catalog;
  /** Removes the database, after every catalog was closed. */
  dispose(): Promise<void>;
}

/**
 * What every catalog must do. Run it against an adapter of your own from a vitest file.
 *
 * @param name what the report calls the adapter
 * @param setup makes an empty database
 * @example describeCatalog('Postgres', () => createPostgresFixture(url));
 */
export function describeCatalog(name: string, setup: () => Promise<CatalogFixture>): void {
  describe(`catalog contract: ${name}`, () => {
    let fixture: CatalogFixture;
    let first: Catalog;
    let second: Catalog;

    beforeAll(async () => {
      fixture = await setup();
      const crowd = Array.from({ length: 20 }, () => fixture.open());
      await Promise.all(crowd.map((catalog) => catalog.migrate()));
      await Promise.all(crowd.map((catalog) => catalog.close()));
      first = fixture.open();
      second = fixture.open();
    });

    afterEach(() => {
      vi.useRealTimers();
    });

    afterAll(async () => {
      await first.close();
      await second.close();
      await fixture.dispose();
    });

    const both = (): readonly Catalog[] => [first, second];

    describe('migrate', () => {
      it('keeps the rows when it runs again', async () => {
        const { record } = await first.insert(exampleDraft());
        await second.migrate();
        expect(await first.find(record.uploadId)).toEqual(record);
      });

      it('answers a ping', async () => {
        await first.ping();
      });
    });

    describe('insert', () => {
      it('writes a PENDING row with every field of the draft', async () => {
        const draft = exampleDraft({
          checksum: { algorithm: 'CRC64NVME', value: 'AAAAAAAAAAA=' },
          encryption: { mode: 'sse-kms', kmsKeyId: `arn:aws:kms:eu-west-1:1:key/${'k'.repeat(2000)}` },
          metadata: { 'content-class': 'x "quoted" \\ value', empty: '' },
        });
        const { kind, record } = await first.insert(draft);
        const { idleLimitMs, resumable: _, ...kept } = draft;
        expect(kind).toBe('inserted');
        expect(record).toEqual({
          ...kept,
          state: 'PENDING',
          epoch: 0,
          tokenVersion: 1,
          cancelRequested: false,
          createdAtEpochMs: expect.any(Number),
          expiresAtEpochMs: record.createdAtEpochMs + idleLimitMs,
        });
        expect(await second.find(draft.uploadId)).toEqual(record);
      });

      it('leaves out what the draft leaves out', async () => {
        const { fingerprint: _, ...draft } = exampleDraft();
        const { record } = await first.insert(draft);
        for (const field of ['fingerprint', 'checksum', 'encryption', 's3UploadId', 'etag', 'lastError']) {
          expect(record).not.toHaveProperty(field);
        }
      });

      it.each([0, 1, 5 * 1024 ** 2 - 1, MAX_OBJECT_SIZE_BYTES])(
        'keeps a size of %d bytes',
        async (sizeBytes) => {
          const plan = { sizeBytes, partSizeBytes: MAX_PART_SIZE_BYTES, partCount: MAX_PARTS };
          const { record } = await first.insert(exampleDraft({ plan }));
          expect(record.plan).toEqual(plan);
        },
      );

      it.each([
        ['Unicode', 'Übergröße 文件 🗂️ e\u0301 \u202e\ufeff'],
        ['quotes', `it's "quoted"; DROP TABLE nodes; -- \\ $1 :name ? %s \${x}`],
        ['line ends', 'a\r\nb\tc'],
        ['a path', '../../etc/passwd'],
        ['1,000 characters', '名'.repeat(1000)],
      ])('keeps a name with %s', async (_, odd) => {
        const { record } = await first.insert(exampleDraft({ name: odd, owner: odd, connectorId: odd }));
        expect(await second.find(record.uploadId)).toMatchObject({ name: odd, owner: odd, connectorId: odd });
      });

      it('answers the same createId of the same owner with the row it made, in any state', async () => {
        const draft = exampleDraft();
        await first.insert(draft);
        for (const state of ['PENDING', 'UPLOADING', 'COMPLETING', 'COMPLETED'] as const) {
          await moveTo(first, draft.uploadId, state);
          const again = await second.insert({
            ...exampleDraft(),
            owner: draft.owner,
            createId: draft.createId,
          });
          expect(again).toMatchObject({ kind: 'repeated', record: { uploadId: draft.uploadId, state } });
        }
      });

      it('keeps the owners apart that use one createId', async () => {
        const draft = exampleDraft();
        await first.insert(draft);
        const other = await first.insert(exampleDraft({ owner: 'somebody else', createId: draft.createId }));
        expect(other.kind).toBe('inserted');
      });

      it('lets one of many equal creates win, from two connections', async () => {
        const createId = randomUUID();
        const owner = randomUUID();
        const drafts = Array.from({ length: 10 }, () => exampleDraft({ createId, owner }));
        const outcomes = await Promise.all(drafts.map((draft, index) => both()[index % 2]!.insert(draft)));
        expectOneWinner(outcomes, 'repeated');
      });

      it('lets one of many creates of one content win, from two connections', async () => {
        const draft = exampleDraft();
        const drafts = Array.from({ length: 10 }, () => sameContentAs(draft));
        const outcomes = await Promise.all(drafts.map((draft, index) => both()[index % 2]!.insert(draft)));
        expectOneWinner(outcomes, 'open');
      });

      it('refuses a second row with one uploadId, and leaves the first as it was', async () => {
        const { record } = await first.insert(exampleDraft());
        await expect(first.insert(exampleDraft({ uploadId: record.uploadId }))).rejects.toMatchObject({
          name: 'CatalogError',
        });
        expect(await first.find(record.uploadId)).toEqual(record);
      });
    });

    describe('resume', () => {
      it.each(['PENDING', 'UPLOADING'] as const)(
        'finds the upload of the same content in %s',
        async (state) => {
          const draft = exampleDraft();
          await first.insert(draft);
          await moveTo(first, draft.uploadId, state);
          const again = await second.insert(sameContentAs(draft));
          expect(again).toMatchObject({ kind: 'open', record: { uploadId: draft.uploadId, state } });
        },
      );

      it.each(['COMPLETING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
        'begins anew when the upload of the same content is %s',
        async (state) => {
          const draft = exampleDraft();
          await first.insert(draft);
          await moveTo(first, draft.uploadId, state);
          expect((await second.insert(sameContentAs(draft))).kind).toBe('inserted');
        },
      );

      it('finds the open upload among ended ones of the same content', async () => {
        const draft = exampleDraft();
        for (let round = 0; round < 3; round += 1) {
          const { record } = await first.insert(sameContentAs(draft));
          await moveTo(first, record.uploadId, 'CANCELLED');
        }
        await first.insert(draft);
        expect(await second.insert(sameContentAs(draft))).toMatchObject({
          kind: 'open',
          record: { uploadId: draft.uploadId },
        });
      });

      it('prefers the row of the same createId to an open one of the same content', async () => {
        const drafts = [exampleDraft(), exampleDraft()];
        for (const draft of drafts) await first.insert(draft);
        const [one, other] = drafts as [UploadDraft, UploadDraft];
        // Both ways round, because a database that was not asked for an order has one all the same.
        for (const [repeated, open] of [[one, other] as const, [other, one] as const]) {
          const again = { ...sameContentAs(open), createId: repeated.createId };
          expect(await second.insert(again)).toMatchObject({
            kind: 'repeated',
            record: { uploadId: repeated.uploadId },
          });
        }
      });

      const kms = (kmsKeyId: string): Partial<UploadDraft> => ({ encryption: { mode: 'sse-kms', kmsKeyId } });
      const differences: [string, Partial<UploadDraft>, Partial<UploadDraft>][] = [
        ['owner', { owner: 'somebody' }, { owner: 'somebody else' }],
        ['connector', { connectorId: 'a' }, { connectorId: 'b' }],
        ['fingerprint', { fingerprint: 'a' }, { fingerprint: 'b' }],
        ['bucket', { bucket: 'a' }, { bucket: 'b' }],
        ['content type', { contentType: 'text/plain' }, { contentType: 'text/html' }],
        ['encryption', {}, { encryption: { mode: 'sse-s3' } }],
        ['encryption mode', { encryption: { mode: 'sse-s3' } }, kms('a')],
        ['encryption key', kms('a'), kms('b')],
        ['opinion on resuming', { resumable: true }, { resumable: false }],
        ['opinion on resuming (not before)', { resumable: false }, { resumable: true }],
      ];

      it.each(differences)('begins anew for another %s', async (_, one, other) => {
        const draft = exampleDraft(one);
        await first.insert(draft);
        expect((await second.insert({ ...sameContentAs(draft), ...other })).kind).toBe('inserted');
      });

      it('begins anew for another size', async () => {
        const draft = exampleDraft();
        await first.insert(draft);
        const plan = { ...draft.plan, sizeBytes: draft.plan.sizeBytes + 1 };
        expect((await second.insert({ ...sameContentAs(draft), plan })).kind).toBe('inserted');
      });

      it('begins anew without a fingerprint', async () => {
        const { fingerprint: _, ...draft } = exampleDraft();
        await first.insert(draft);
        expect((await second.insert(sameContentAs(draft))).kind).toBe('inserted');
      });

      it('resumes whatever name, metadata and part size the second create wishes for', async () => {
        const draft = exampleDraft(kms('same'));
        await first.insert(draft);
        const plan = { sizeBytes: draft.plan.sizeBytes, partSizeBytes: 9 * 1024 ** 2, partCount: 3 };
        const again = await second.insert({
          ...sameContentAs(draft),
          name: 'other',
          metadata: { other: '1' },
          plan,
        });
        expect(again).toMatchObject({ kind: 'open', record: { name: draft.name, plan: draft.plan } });
      });
    });

    describe('find', () => {
      it('knows nothing of ids that it never saw, whatever they look like', async () => {
        for (const id of [randomUUID(), '', 'no-uuid', "' OR 1=1 --", 'ü'.repeat(500)]) {
          expect(await first.find(id)).toBeUndefined();
          expect(await first.beginAbort(id)).toBeUndefined();
          expect(await first.recordGrant(id, { expiresInSeconds: 60 })).toBe(false);
          await first.recordActivity(id);
          await first.requestCancel(id);
        }
      });
    });

    describe('opening', () => {
      it('saves the multipart id once', async () => {
        const { uploadId } = await begin(first, 'PENDING');
        const mustFinishByEpochMs = Date.now() + 86_400_123;
        const saves = await Promise.all(
          both().map((catalog, index) =>
            catalog.saveMultipart(uploadId, { s3UploadId: `id-${index}`, mustFinishByEpochMs }),
          ),
        );
        const winner = onlyOne(saves);
        expect(winner).toMatchObject({ state: 'UPLOADING', mustFinishByEpochMs });
        expect(await first.find(uploadId)).toEqual(winner);
      });

      it('opens without a multipart id once', async () => {
        const { uploadId } = await begin(first, 'PENDING');
        const opened = await Promise.all(both().map((catalog) => catalog.openWithoutMultipart(uploadId)));
        expect(onlyOne(opened)).toMatchObject({ state: 'UPLOADING' });
        expect(onlyOne(opened)).not.toHaveProperty('s3UploadId');
      });

      it.each(['UPLOADING', 'COMPLETING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
        'opens nothing that is %s',
        async (state) => {
          const before = await begin(first, state);
          expect(await second.saveMultipart(before.uploadId, { s3UploadId: 'late' })).toBeUndefined();
          expect(await second.openWithoutMultipart(before.uploadId)).toBeUndefined();
          expect(await first.find(before.uploadId)).toEqual(before);
        },
      );
    });

    describe('completion', () => {
      it('goes to one of two drivers, who writes the attempt down', async () => {
        const { uploadId } = await begin(first, 'UPLOADING');
        const begun = await Promise.all(
          both().map((catalog, index) =>
            catalog.beginCompletion(uploadId, { partsDigest: `digest-${index}`, redriveAfterMs: 60_000 }),
          ),
        );
        const winner = onlyOne(begun);
        expect(winner).toMatchObject({ state: 'COMPLETING', epoch: 1 });
        expect(winner.partsDigest).toBe(begun[0] ? 'digest-0' : 'digest-1');
        expect(winner.nextAttemptAtEpochMs! - winner.completeSentAtEpochMs!).toBeGreaterThanOrEqual(59_999);
        expect(await first.find(uploadId)).toEqual(winner);
      });

      it('goes to another driver once the next attempt is due, and only then', async () => {
        const { uploadId } = await begin(first, 'UPLOADING');
        await first.beginCompletion(uploadId, { partsDigest: 'one', redriveAfterMs: 0 });
        await sleep(2);
        const again = await Promise.all(
          both().map((catalog) =>
            catalog.beginCompletion(uploadId, { partsDigest: 'two', redriveAfterMs: 60_000 }),
          ),
        );
        expect(onlyOne(again)).toMatchObject({ state: 'COMPLETING', epoch: 2, partsDigest: 'two' });
        expect(
          await first.beginCompletion(uploadId, { partsDigest: 'x', redriveAfterMs: 0 }),
        ).toBeUndefined();
      });

      it.each(['PENDING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
        'does not begin from %s',
        async (state) => {
          const before = await begin(first, state);
          const begun = await first.beginCompletion(before.uploadId, { partsDigest: '', redriveAfterMs: 0 });
          expect(begun).toBeUndefined();
          expect(await first.find(before.uploadId)).toEqual(before);
        },
      );

      it('finishes once, with what the store holds', async () => {
        const { uploadId, epoch } = await begin(first, 'COMPLETING');
        await first.noteError(uploadId, epoch, 'timeout');
        const object = { etag: '"abc-2"', versionId: 'v/1+2==', proof: 'checksum' } as const;
        const finished = await Promise.all(
          both().map((catalog) => catalog.finishCompletion(uploadId, epoch, object)),
        );
        const winner = onlyOne(finished);
        expect(winner).toMatchObject({
          ...object,
          state: 'COMPLETED',
          completedAtEpochMs: expect.any(Number),
        });
        expect(winner).not.toHaveProperty('nextAttemptAtEpochMs');
        expect(winner).not.toHaveProperty('lastError');
        expect(await second.find(uploadId)).toEqual(winner);
      });

      it('leaves out the version of an unversioned bucket', async () => {
        const { uploadId, epoch } = await begin(first, 'COMPLETING');
        const record = await first.finishCompletion(uploadId, epoch, { etag: '"e"', proof: 'size' });
        expect(record).not.toHaveProperty('versionId');
      });

      it('refuses every word of an older driver', async () => {
        const { uploadId, epoch } = await begin(first, 'COMPLETING', 0);
        await sleep(2);
        const newer = await second.beginCompletion(uploadId, { partsDigest: 'new', redriveAfterMs: 60_000 });
        expect(newer?.epoch).toBe(epoch + 1);
        expect(await first.finishCompletion(uploadId, epoch, { etag: 'e', proof: 'size' })).toBeUndefined();
        expect(await first.reopen(uploadId, epoch, 'old')).toBeUndefined();
        expect(await first.fail(uploadId, epoch, 'old')).toBeUndefined();
        await first.noteError(uploadId, epoch, 'old');
        expect(await first.find(uploadId)).toEqual(newer);
      });

      it.each(['UPLOADING', 'COMPLETED', 'CANCELLED', 'FAILED'] as const)(
        'ends nothing that is %s',
        async (state) => {
          const before = await begin(first, state);
          const { uploadId, epoch } = before;
          expect(await first.finishCompletion(uploadId, epoch, { etag: 'e', proof: 'size' })).toBeUndefined();
          expect(await first.reopen(uploadId, epoch, 'x')).toBeUndefined();
          expect(await first.fail(uploadId, epoch, 'x')).toBeUndefined();
          await first.noteError(uploadId, epoch, 'x');
          expect(await first.find(uploadId)).toEqual(before);
        },
      );

      it('keeps a reason and stays', async () => {
        const { uploadId, epoch } = await begin(first, 'COMPLETING');
        await first.noteError(uploadId, epoch, "503 'Slow Down'");
        expect(await first.find(uploadId)).toMatchObject({
          state: 'COMPLETING',
          lastError: "503 'Slow Down'",
        });
      });

      it('fails for good', async () => {
        const { uploadId, epoch } = await begin(first, 'COMPLETING');
        expect(await first.fail(uploadId, epoch, 'integrity')).toMatchObject({
          state: 'FAILED',
          lastError: 'integrity',
        });
        expect(await first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 0 })).toBeUndefined();
      });
    });

    describe('reopening', () => {
      it('goes back to UPLOADING without the attempt, and completes again in a new epoch', async () => {
        const { uploadId, epoch } = await begin(first, 'COMPLETING');
        const reopened = await first.reopen(uploadId, epoch, 'InvalidPart');
        expect(reopened).toMatchObject({ state: 'UPLOADING', epoch, lastError: 'InvalidPart' });
        for (const field of ['completeSentAtEpochMs', 'nextAttemptAtEpochMs', 'partsDigest']) {
          expect(reopened).not.toHaveProperty(field);
        }
        const again = await second.beginCompletion(uploadId, { partsDigest: 'new', redriveAfterMs: 0 });
        expect(again).toMatchObject({ state: 'COMPLETING', epoch: epoch + 1 });
      });

      it('gives an upload that completed for long its idle limit back', async () => {
        const { uploadId, epoch, expiresAtEpochMs } = await begin(first, 'COMPLETING');
        await sleep(5);
        const reopened = await first.reopen(uploadId, epoch, 'InvalidPart');
        expect(reopened?.expiresAtEpochMs).toBeGreaterThan(expiresAtEpochMs);
      });

      it('is found by its content again', async () => {
        const draft = exampleDraft();
        await first.insert(draft);
        await moveTo(first, draft.uploadId, 'COMPLETING');
        await first.reopen(draft.uploadId, 1, 'InvalidPart');
        expect(await second.insert(sameContentAs(draft))).toMatchObject({
          kind: 'open',
          record: { uploadId: draft.uploadId },
        });
      });

      it('goes on beside an upload of the same content that was opened meanwhile', async () => {
        const draft = exampleDraft();
        await first.insert(draft);
        await moveTo(first, draft.uploadId, 'COMPLETING');
        const other = await second.insert(sameContentAs(draft));
        expect(other.kind).toBe('inserted');
        expect(await first.reopen(draft.uploadId, 1, 'InvalidPart')).toMatchObject({ state: 'UPLOADING' });
        expect(await first.insert(sameContentAs(draft))).toMatchObject({
          kind: 'open',
          record: { uploadId: other.record.uploadId },
        });
      });

      it('remembers a cancel that came while it was completing', async () => {
        const { uploadId, epoch } = await begin(first, 'COMPLETING');
        await second.requestCancel(uploadId);
        expect(await first.find(uploadId)).toMatchObject({ state: 'COMPLETING', cancelRequested: true });
        expect(await first.reopen(uploadId, epoch, 'x')).toMatchObject({
          state: 'UPLOADING',
          cancelRequested: true,
        });
        expect(await first.beginAbort(uploadId)).toMatchObject({ state: 'ABORTING' });
      });

      it.each(['UPLOADING', 'COMPLETED'] as const)('remembers no cancel of one that is %s', async (state) => {
        const { uploadId } = await begin(first, state);
        await first.requestCancel(uploadId);
        expect(await first.find(uploadId)).toMatchObject({ state, cancelRequested: false });
      });
    });

    describe('abort', () => {
      it.each(['PENDING', 'UPLOADING'] as const)('begins once from %s, and ends once', async (state) => {
        const { uploadId } = await begin(first, state);
        const begun = await Promise.all(both().map((catalog) => catalog.beginAbort(uploadId)));
        expect(onlyOne(begun)).toMatchObject({ state: 'ABORTING' });
        const ended = await Promise.all(both().map((catalog) => catalog.finishAbort(uploadId)));
        expect(onlyOne(ended)).toMatchObject({ state: 'CANCELLED' });
      });

      it.each(['COMPLETING', 'COMPLETED', 'CANCELLED', 'FAILED'] as const)(
        'neither begins nor ends what is %s',
        async (state) => {
          const before = await begin(first, state);
          expect(await first.beginAbort(before.uploadId)).toBeUndefined();
          expect(await first.finishAbort(before.uploadId)).toBeUndefined();
          expect(await first.find(before.uploadId)).toEqual(before);
        },
      );

      it('and completion never both begin', async () => {
        for (let round = 0; round < 20; round += 1) {
          const { uploadId } = await begin(first, 'UPLOADING');
          const [aborting, completing] = await Promise.all([
            first.beginAbort(uploadId),
            second.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 60_000 }),
          ]);
          onlyOne([aborting, completing]);
        }
      });
    });

    describe('grants and activity', () => {
      it('remembers the end of the longest grant', async () => {
        const { uploadId, createdAtEpochMs } = await begin(first, 'UPLOADING');
        expect(await first.recordGrant(uploadId, { expiresInSeconds: 900 })).toBe(true);
        const long = await first.find(uploadId);
        expect(long?.grantsExpireAtEpochMs).toBeGreaterThanOrEqual(createdAtEpochMs + 900_000);
        expect(await second.recordGrant(uploadId, { expiresInSeconds: 1 })).toBe(true);
        expect((await first.find(uploadId))?.grantsExpireAtEpochMs).toBe(long?.grantsExpireAtEpochMs);
      });

      it.each(['PENDING', 'COMPLETING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
        'tells that one which is %s takes no grant',
        async (state) => {
          const { uploadId } = await begin(first, state);
          expect(await first.recordGrant(uploadId, { expiresInSeconds: 60 })).toBe(false);
          expect((await first.find(uploadId))?.state).toBe(state);
        },
      );

      it('lets the clean-up see a grant that was recorded while the abort began', async () => {
        const { uploadId } = await begin(first, 'ABORTING');
        await second.recordGrant(uploadId, { expiresInSeconds: 60 });
        expect((await first.find(uploadId))?.grantsExpireAtEpochMs).toBeDefined();
      });

      it('moves the expiry only when half of its span is gone', async () => {
        const { uploadId, expiresAtEpochMs } = await begin(first, 'UPLOADING');
        await first.recordActivity(uploadId);
        await first.recordGrant(uploadId, { expiresInSeconds: 60 });
        expect((await first.find(uploadId))?.expiresAtEpochMs).toBe(expiresAtEpochMs);
      });

      it.each(['recordActivity', 'recordGrant'] as const)('%s moves an expiry that is near', async (call) => {
        const draft = exampleDraft({ idleLimitMs: 20 });
        await first.insert(draft);
        const { uploadId, expiresAtEpochMs } = await moveTo(first, draft.uploadId, 'UPLOADING');
        await sleep(30);
        await first[call](uploadId, { expiresInSeconds: 60 });
        expect((await first.find(uploadId))?.expiresAtEpochMs).toBeGreaterThan(expiresAtEpochMs);
      });

      it.each(['COMPLETING', 'COMPLETED', 'CANCELLED'] as const)(
        'moves no expiry of one that is %s',
        async (state) => {
          const draft = exampleDraft({ idleLimitMs: 0 });
          await first.insert(draft);
          const { uploadId, expiresAtEpochMs } = await moveTo(first, draft.uploadId, state);
          await sleep(5);
          await first.recordActivity(uploadId);
          expect((await first.find(uploadId))?.expiresAtEpochMs).toBe(expiresAtEpochMs);
        },
      );
    });

    it("takes its times from the database's clock, not from this process", async () => {
      const realNowMs = Date.now();
      vi.useFakeTimers({ toFake: ['Date'], now: 0 });
      const { uploadId } = await begin(first, 'UPLOADING');
      await first.recordGrant(uploadId, { expiresInSeconds: 60 });
      const begun = await first.beginCompletion(uploadId, { partsDigest: '', redriveAfterMs: 60_000 });
      const done = await first.finishCompletion(uploadId, 1, { etag: 'e', proof: 'size' });
      vi.useRealTimers();
      const times = [
        begun?.createdAtEpochMs,
        begun?.expiresAtEpochMs,
        begun?.completeSentAtEpochMs,
        begun?.nextAttemptAtEpochMs,
        begun?.grantsExpireAtEpochMs,
        done?.completedAtEpochMs,
      ];
      for (const timeMs of times) {
        expect(timeMs).toBeGreaterThan(realNowMs - 3_600_000);
        expect(Number.isSafeInteger(timeMs)).toBe(true);
      }
    });

    it('throws a CatalogError once it is closed, and closes twice', async () => {
      const closed = fixture.open();
      await closed.close();
      await closed.close();
      await expect(closed.find(randomUUID())).rejects.toMatchObject({
        name: 'CatalogError',
        cause: expect.anything(),
      });
      await expect(closed.ping()).rejects.toMatchObject({ name: 'CatalogError' });
    });
  });
}

const HOUR_MS = 3_600_000;

/**
 * A draft like any other, of a content that no other has.
 *
 * @param wishes fields that shall be different
 */
export function exampleDraft(wishes: Partial<UploadDraft> = {}): UploadDraft {
  const uploadId = randomUUID();
  return {
    uploadId,
    owner: 'owner',
    createId: randomUUID(),
    requestDigest: 'digest',
    connectorId: 'default',
    name: 'film.mov',
    bucket: 'media',
    s3Key: `connectors/default/${uploadId}`,
    writeToken: randomUUID(),
    mode: 'multipart',
    contentType: 'video/quicktime',
    metadata: {},
    plan: { sizeBytes: 20 * 1024 ** 2, partSizeBytes: 8 * 1024 ** 2, partCount: 3 },
    fingerprint: randomUUID(),
    resumable: true,
    idleLimitMs: 72 * HOUR_MS,
    ...wishes,
  };
}

/** A create of its own for the content of another one. */
function sameContentAs(draft: UploadDraft): UploadDraft {
  const uploadId = randomUUID();
  return { ...draft, uploadId, createId: randomUUID(), s3Key: `connectors/default/${uploadId}` };
}

/** The states that an upload goes through to get somewhere. */
const PATHS: Record<Exclude<UploadState, 'EXPIRED'>, readonly UploadState[]> = {
  PENDING: [],
  UPLOADING: ['UPLOADING'],
  COMPLETING: ['UPLOADING', 'COMPLETING'],
  COMPLETED: ['UPLOADING', 'COMPLETING', 'COMPLETED'],
  FAILED: ['UPLOADING', 'COMPLETING', 'FAILED'],
  ABORTING: ['ABORTING'],
  CANCELLED: ['ABORTING', 'CANCELLED'],
};

async function begin(
  catalog: Catalog,
  state: keyof typeof PATHS,
  redriveAfterMs?: number,
): Promise<UploadRecord> {
  const { record } = await catalog.insert(exampleDraft());
  return moveTo(catalog, record.uploadId, state, redriveAfterMs);
}

async function moveTo(
  catalog: Catalog,
  uploadId: string,
  state: keyof typeof PATHS,
  redriveAfterMs: number = HOUR_MS,
): Promise<UploadRecord> {
  const steps: Partial<Record<UploadState, () => Promise<unknown>>> = {
    UPLOADING: () => catalog.saveMultipart(uploadId, { s3UploadId: `s3-${uploadId}` }),
    COMPLETING: () => catalog.beginCompletion(uploadId, { partsDigest: 'digest', redriveAfterMs }),
    COMPLETED: () => catalog.finishCompletion(uploadId, 1, { etag: '"e"', proof: 'size' }),
    FAILED: () => catalog.fail(uploadId, 1, 'reason'),
    ABORTING: () => catalog.beginAbort(uploadId),
    CANCELLED: () => catalog.finishAbort(uploadId),
  };
  const start = await catalog.find(uploadId);
  const done = PATHS[state].findIndex((step) => step === start?.state) + 1;
  for (const step of PATHS[state].slice(done)) await steps[step]?.();
  const record = await catalog.find(uploadId);
  expect(record?.state).toBe(state);
  return record!;
}

/** The one answer that is no refusal. */
function onlyOne(answers: readonly (UploadRecord | undefined)[]): UploadRecord {
  const [winner, ...others] = answers.filter((answer) => answer !== undefined);
  expect(others).toEqual([]);
  expect(winner).toBeDefined();
  return winner!;
}

function expectOneWinner(outcomes: readonly InsertOutcome[], kindOfOthers: InsertOutcome['kind']): void {
  const winners = outcomes.filter(({ kind }) => kind === 'inserted');
  const others = outcomes.filter(({ kind }) => kind === kindOfOthers);
  expect(winners).toHaveLength(1);
  expect(others).toHaveLength(outcomes.length - 1);
  for (const { record } of others) expect(record.uploadId).toBe(winners[0]!.record.uploadId);
}
