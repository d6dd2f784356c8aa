import { randomUUID } from 'node:crypto';
import { MAX_OBJECT_SIZE_BYTES, MAX_PART_SIZE_BYTES, MAX_PARTS } from '@longhaul/protocol';
import { describe, expect, it } from 'vitest';
import type { InsertOutcome } from '../ports/catalog.ts';
import type { UploadDraft } from '../ports/upload-record.ts';
import {
  CANCEL,
  exampleDraft,
  moveTo,
  PLAN,
  sameContentAs,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

/** Creating uploads, and finding those that a create repeats or continues. */
export function describeInsert(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  describe('insert', () => {
    it('writes a PENDING row with every field of the draft', async () => {
      const draft = exampleDraft({
        checksum: { algorithm: 'CRC64NVME', value: 'AAAAAAAAAAA=' },
        checksumAlgorithm: 'CRC32',
        encryption: { mode: 'sse-kms', kmsKeyId: `arn:aws:kms:eu-west-1:1:key/${'k'.repeat(2000)}` },
        objectOptions: {
          tags: { b: 'x "quoted"', a: '' },
          objectLock: { legalHold: false },
          storageClass: 'STANDARD_IA',
        },
        metadata: { 'content-class': 'x "quoted" \\ value', empty: '' },
      });
      const { kind, record } = await pair.first.insert(draft);
      const { pendingLimitMs, resumable: _, ...kept } = draft;
      expect(kind).toBe('inserted');
      expect(record).toEqual({
        ...kept,
        state: 'PENDING',
        epoch: 0,
        tokenVersion: 1,
        cancelRequested: false,
        createRepeated: false,
        createdAtEpochMs: expect.any(Number),
        expiresAtEpochMs: record.createdAtEpochMs + draft.idleLimitMs,
        nextAttemptAtEpochMs: record.createdAtEpochMs + pendingLimitMs,
      });
      expect(await pair.second.find(draft.uploadId)).toEqual(record);
    });

    it('leaves out what the draft leaves out', async () => {
      const { fingerprint: _, ...draft } = exampleDraft();
      const { record } = await pair.first.insert(draft);
      const fields = ['fingerprint', 'checksum', 'checksumAlgorithm', 'encryption', 'objectOptions'];
      for (const field of [...fields, 's3UploadId', 'etag', 'lastError'])
        expect(record).not.toHaveProperty(field);
    });

    it.each([0, 1, 5 * 1024 ** 2 - 1, MAX_OBJECT_SIZE_BYTES])(
      'keeps a size of %d bytes',
      async (sizeBytes) => {
        const plan = { sizeBytes, partSizeBytes: MAX_PART_SIZE_BYTES, partCount: MAX_PARTS };
        const { record } = await pair.first.insert(exampleDraft({ plan }));
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
      const { record } = await pair.first.insert(exampleDraft({ name: odd, owner: odd, connectorId: odd }));
      expect(await pair.second.find(record.uploadId)).toMatchObject({
        name: odd,
        owner: odd,
        connectorId: odd,
      });
    });

    it('answers the same createId of the same owner with the row it made, in any state', async () => {
      const draft = exampleDraft();
      await pair.first.insert(draft);
      for (const state of ['PENDING', 'UPLOADING', 'COMPLETING', 'COMPLETED'] as const) {
        await moveTo(pair.first, draft.uploadId, state);
        const again = await pair.second.insert({
          ...exampleDraft(),
          owner: draft.owner,
          createId: draft.createId,
        });
        expect(again).toMatchObject({ kind: 'repeated', record: { uploadId: draft.uploadId, state } });
      }
    });

    it('keeps the owners apart that use one createId', async () => {
      const draft = exampleDraft();
      await pair.first.insert(draft);
      const other = await pair.first.insert(
        exampleDraft({ owner: 'somebody else', createId: draft.createId }),
      );
      expect(other.kind).toBe('inserted');
    });

    it('lets one of many equal creates win, from two connections', async () => {
      const createId = randomUUID();
      const owner = randomUUID();
      const drafts = Array.from({ length: 10 }, () => exampleDraft({ createId, owner }));
      const outcomes = await Promise.all(drafts.map((draft, index) => pair.both()[index % 2]!.insert(draft)));
      expectOneWinner(outcomes, 'repeated');
    });

    it('lets one of many creates of one content win, from two connections', async () => {
      const draft = exampleDraft();
      const drafts = Array.from({ length: 10 }, () => sameContentAs(draft));
      const outcomes = await Promise.all(drafts.map((draft, index) => pair.both()[index % 2]!.insert(draft)));
      expectOneWinner(outcomes, 'open');
    });

    it('refuses a second row with one uploadId, and leaves the first as it was', async () => {
      const { record } = await pair.first.insert(exampleDraft());
      await expect(pair.first.insert(exampleDraft({ uploadId: record.uploadId }))).rejects.toMatchObject({
        name: 'CatalogError',
      });
      expect(await pair.first.find(record.uploadId)).toEqual(record);
    });
  });

  describe('resume', () => {
    it.each(['PENDING', 'UPLOADING'] as const)(
      'finds the upload of the same content in %s',
      async (state) => {
        const draft = exampleDraft();
        await pair.first.insert(draft);
        await moveTo(pair.first, draft.uploadId, state);
        const again = await pair.second.insert(sameContentAs(draft));
        expect(again).toMatchObject({ kind: 'open', record: { uploadId: draft.uploadId, state } });
      },
    );

    it.each(['COMPLETING', 'COMPLETED', 'ABORTING', 'CANCELLED', 'FAILED'] as const)(
      'begins anew when the upload of the same content is %s',
      async (state) => {
        const draft = exampleDraft();
        await pair.first.insert(draft);
        await moveTo(pair.first, draft.uploadId, state);
        expect((await pair.second.insert(sameContentAs(draft))).kind).toBe('inserted');
      },
    );

    it('finds the open upload among ended ones of the same content', async () => {
      const draft = exampleDraft();
      for (let round = 0; round < 3; round += 1) {
        const { record } = await pair.first.insert(sameContentAs(draft));
        await moveTo(pair.first, record.uploadId, 'CANCELLED');
      }
      await pair.first.insert(draft);
      expect(await pair.second.insert(sameContentAs(draft))).toMatchObject({
        kind: 'open',
        record: { uploadId: draft.uploadId },
      });
    });

    it('prefers the row of the same createId to an open one of the same content', async () => {
      const drafts = [exampleDraft(), exampleDraft()];
      for (const draft of drafts) await pair.first.insert(draft);
      const [one, other] = drafts as [UploadDraft, UploadDraft];
      // Both ways round, because a database that was not asked for an order has one all the same.
      for (const [repeated, open] of [[one, other] as const, [other, one] as const]) {
        const again = { ...sameContentAs(open), createId: repeated.createId };
        expect(await pair.second.insert(again)).toMatchObject({
          kind: 'repeated',
          record: { uploadId: repeated.uploadId },
        });
      }
    });

    const kms = (kmsKeyId: string): Partial<UploadDraft> => ({ encryption: { mode: 'sse-kms', kmsKeyId } });
    const customer = (customerKeyMd5: string): Partial<UploadDraft> => ({
      encryption: { mode: 'sse-c', customerKeyMd5 },
    });
    const differences: [string, Partial<UploadDraft>, Partial<UploadDraft>][] = [
      ['owner', { owner: 'somebody' }, { owner: 'somebody else' }],
      ['connector', { connectorId: 'a' }, { connectorId: 'b' }],
      ['fingerprint', { fingerprint: 'a' }, { fingerprint: 'b' }],
      ['bucket', { bucket: 'a' }, { bucket: 'b' }],
      ['content type', { contentType: 'text/plain' }, { contentType: 'text/html' }],
      ['encryption', {}, { encryption: { mode: 'sse-s3' } }],
      ['encryption mode', { encryption: { mode: 'sse-s3' } }, kms('a')],
      ['encryption key', kms('a'), kms('b')],
      ['customer key', customer('AAAAAAAAAAAAAAAAAAAAAA=='), customer('BBBBBBBBBBBBBBBBBBBBBA==')],
      ['choice of object options', {}, { objectOptions: { storageClass: 'STANDARD_IA' } }],
      ['opinion on resuming', { resumable: true }, { resumable: false }],
      ['opinion on resuming (not before)', { resumable: false }, { resumable: true }],
    ];

    it.each(differences)('begins anew for another %s', async (_, one, other) => {
      const draft = exampleDraft(one);
      await pair.first.insert(draft);
      expect((await pair.second.insert({ ...sameContentAs(draft), ...other })).kind).toBe('inserted');
    });

    it('begins anew for another size', async () => {
      const draft = exampleDraft();
      await pair.first.insert(draft);
      const plan = { ...PLAN, sizeBytes: PLAN.sizeBytes + 1 };
      expect((await pair.second.insert({ ...sameContentAs(draft), plan })).kind).toBe('inserted');
    });

    it('begins anew without a fingerprint', async () => {
      const { fingerprint: _, ...draft } = exampleDraft();
      await pair.first.insert(draft);
      expect((await pair.second.insert(sameContentAs(draft))).kind).toBe('inserted');
    });

    it('resumes whatever name, metadata and part size the second create wishes for', async () => {
      const draft = exampleDraft(kms('same'));
      await pair.first.insert(draft);
      const plan = { ...PLAN, partSizeBytes: 9 * 1024 ** 2 };
      const again = await pair.second.insert({
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
        expect(await pair.first.find(id)).toBeUndefined();
        expect(await pair.first.beginAbort(id, CANCEL)).toBeUndefined();
        expect(await pair.first.recordGrant(id, { expiresInSeconds: 60 })).toBe(false);
        await pair.first.recordActivity(id);
        await pair.first.requestCancel(id);
      }
    });
  });
}

function expectOneWinner(outcomes: readonly InsertOutcome[], kindOfOthers: InsertOutcome['kind']): void {
  const winners = outcomes.filter(({ kind }) => kind === 'inserted');
  const others = outcomes.filter(({ kind }) => kind === kindOfOthers);
  expect(winners).toHaveLength(1);
  expect(others).toHaveLength(outcomes.length - 1);
  for (const { record } of others) expect(record.uploadId).toBe(winners[0]!.record.uploadId);
}
