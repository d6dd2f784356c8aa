import { randomUUID } from 'node:crypto';
import { UPLOAD_EVENT_TYPES } from '@longhaul/protocol';
import { expect, it } from 'vitest';
import type { Catalog } from '../ports/catalog.ts';
import type { RotationDraft, RotationRecord } from '../ports/rotations.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import {
  begin,
  BUCKET,
  eventsOf,
  HOUR_MS,
  passMs,
  PLAN,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

const NEW = { mode: 'sse-c', customerKeyMd5: 'Mk8K1r2rveaD0M9LyPVKMA==' } as const;

function draftOf({ uploadId, s3Key }: UploadRecord, wishes: Partial<RotationDraft> = {}): RotationDraft {
  return {
    uploadId,
    rotationId: randomUUID(),
    bucket: BUCKET,
    baseKey: s3Key,
    sourceKey: s3Key,
    writeToken: 'token of the copy',
    encryption: NEW,
    plan: PLAN,
    deleteVersions: true,
    ...wishes,
  };
}

async function inserted(catalog: Catalog, draft: RotationDraft): Promise<RotationRecord> {
  const outcome = await catalog.rotations.insert(draft);
  if (outcome.kind !== 'inserted') throw new Error(`insert answered ${outcome.kind}`);
  return outcome.rotation;
}

/** A rotation of a new node, taken for an hour. */
async function taken(catalog: Catalog): Promise<RotationRecord> {
  const node = await begin(catalog, 'COMPLETED', { draft: { encryption: { mode: 'sse-s3' } } });
  const rotation = await catalog.rotations.take(await inserted(catalog, draftOf(node)), HOUR_MS);
  if (!rotation) throw new Error('nobody else takes it');
  return rotation;
}

/** The same, whose node has the copy for its object by now. */
async function switched(catalog: Catalog): Promise<RotationRecord> {
  const rotation = await taken(catalog);
  await catalog.rotations.saveCopy(rotation, 'copy');
  const after = await catalog.rotations.switchObject(rotation, { etag: '"new"', proof: 'size' });
  if (!after) throw new Error('the switch was refused');
  return after;
}

/** What gives objects another encryption. */
export function describeRotations(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('begins with what its node is, under the next generation, due at once', async () => {
    const node = await begin(pair.first, 'COMPLETED', { draft: { encryption: { mode: 'sse-s3' } } });
    const draft = draftOf(node);
    const { baseKey: _, ...said } = draft;
    const rotation = await inserted(pair.first, draft);
    expect(rotation).toEqual({
      ...said,
      state: 'PENDING',
      s3Key: `${node.s3Key}.1`,
      generation: 1,
      epoch: 0,
      sourceEncryption: { mode: 'sse-s3' },
      sourceEtag: node.etag,
      completeSent: false,
      copiedPartCount: 0,
      createdAtEpochMs: expect.any(Number),
      nextAttemptAtEpochMs: expect.any(Number),
    });
    const due = await pair.second.rotations.findDue({ bucket: BUCKET, limit: 1000 });
    expect(due).toContainEqual(rotation);
    expect(await pair.second.rotations.findDue({ bucket: 'another', limit: 1000 })).toEqual([]);
    expect(await pair.second.rotations.find(node.uploadId)).toEqual(rotation);
    expect(await pair.second.rotations.find(node.uploadId, randomUUID())).toBeUndefined();
  });

  it('is one at a time for each node, however many begin at once', async () => {
    const node = await begin(pair.first, 'COMPLETED');
    const drafts = Array.from({ length: 10 }, () => draftOf(node));
    const outcomes = await Promise.all(
      drafts.map((draft, index) => pair.both()[index % 2]!.rotations.insert(draft)),
    );
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual([
      'inserted',
      ...Array.from({ length: 9 }, () => 'open'),
    ]);
    const ids = outcomes.map((outcome) => (outcome.kind === 'moved' ? '' : outcome.rotation.rotationId));
    expect(new Set(ids).size).toBe(1);
    const again = draftOf(node, { rotationId: ids[0]! });
    expect(await pair.first.rotations.insert(again)).toMatchObject({ kind: 'repeated' });
  });

  it('does not begin for a node that is not complete, or has another object by now', async () => {
    const open = await begin(pair.first, 'UPLOADING');
    expect(await pair.first.rotations.insert(draftOf(open))).toEqual({ kind: 'moved' });
    const node = await begin(pair.first, 'COMPLETED');
    const moved = draftOf(node, { sourceKey: `${node.s3Key}.7` });
    expect(await pair.first.rotations.insert(moved)).toEqual({ kind: 'moved' });
    expect(await pair.first.rotations.insert(draftOf(node, { uploadId: randomUUID() }))).toEqual({
      kind: 'moved',
    });
  });

  it('has one driver, and refuses the writes of the one before', async () => {
    const node = await begin(pair.first, 'COMPLETED');
    const { rotations } = pair.first;
    const rotation = await inserted(pair.first, draftOf(node));
    const takes = await Promise.all(
      [1, 2, 3, 4].map((count) => pair.both()[count % 2]!.rotations.take(rotation, 1000)),
    );
    const [first, ...others] = takes.filter((take) => take !== undefined);
    expect([first?.epoch, others]).toEqual([1, []]);
    expect(
      (await rotations.findDue({ bucket: BUCKET, limit: 1000 })).map(({ uploadId }) => uploadId),
    ).not.toContain(node.uploadId);
    await passMs(1000);
    const second = (await pair.second.rotations.take(rotation, HOUR_MS))!;
    expect(second.epoch).toBe(2);
    expect(await rotations.renew(first!, { leaseMs: HOUR_MS })).toBe(false);
    expect(await rotations.saveCopy(first!, 'copy')).toBeUndefined();
    expect(await rotations.recordComplete(first!)).toBe(false);
    expect(await rotations.fail(first!, { lastError: 'x', quietForMs: 0 })).toBeUndefined();
    await rotations.postpone(first!, { delayMs: 0, lastError: 'x' });
    expect(await rotations.find(node.uploadId)).toEqual(second);
    expect(await rotations.renew(second, { leaseMs: HOUR_MS, copiedPartCount: 2 })).toBe(true);
    expect(await rotations.find(node.uploadId)).toMatchObject({ copiedPartCount: 2 });
  });

  it('switches its node and tells so in one transaction, by its driver and once', async () => {
    const rotation = await taken(pair.first);
    const { rotations } = pair.first;
    const { uploadId } = rotation;
    const copy = { etag: '"new"', versionId: 'v2', proof: 'size' } as const;
    expect(await rotations.switchObject(rotation, copy)).toBeUndefined();
    await rotations.saveCopy(rotation, 'copy');
    const before = (await pair.first.find(uploadId))!;
    expect(await rotations.switchObject({ ...rotation, epoch: 0 }, copy)).toBeUndefined();
    expect(await pair.first.find(uploadId)).toEqual(before);
    const answers = await Promise.all(
      pair.both().map((catalog) => catalog.rotations.switchObject(rotation, copy)),
    );
    expect(answers.filter((answer) => answer?.state === 'SWITCHED')).toHaveLength(1);
    expect(await pair.second.find(uploadId)).toEqual({
      ...before,
      s3Key: `${before.s3Key}.1`,
      writeToken: 'token of the copy',
      encryption: NEW,
      etag: '"new"',
      versionId: 'v2',
      generation: 1,
    });
    // The relay gets the oldest event of a node first.
    const [completed] = await eventsOf(pair.first, uploadId);
    await pair.first.outbox.settle(completed!.id, { kind: 'sent' });
    const events = await eventsOf(pair.first, uploadId);
    expect(events).toMatchObject([
      {
        type: UPLOAD_EVENT_TYPES.rotated,
        subject: `${before.s3Key}.1`,
        data: {
          nodeId: uploadId,
          key: `${before.s3Key}.1`,
          previousKey: before.s3Key,
          generation: 1,
          encryption: { mode: 'sse-c' },
          etag: '"new"',
          versionId: 'v2',
        },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain(NEW.customerKeyMd5);
  });

  it('ends, and the next one goes on from there under the next generation', async () => {
    const first = await switched(pair.first);
    const { rotations } = pair.first;
    expect(await rotations.insert(draftOf((await pair.first.find(first.uploadId))!))).toMatchObject({
      kind: 'open',
    });
    expect(await rotations.finish(first, {})).toMatchObject({ state: 'DONE' });
    expect(await rotations.take(first, HOUR_MS)).toBeUndefined();
    expect((await rotations.find(first.uploadId))?.nextAttemptAtEpochMs).toBeUndefined();
    const node = (await pair.first.find(first.uploadId))!;
    const second = await inserted(pair.first, draftOf(node, { baseKey: first.sourceKey }));
    expect(second).toMatchObject({
      generation: 2,
      s3Key: `${first.sourceKey}.2`,
      sourceKey: first.s3Key,
      sourceEncryption: NEW,
    });
    expect(await rotations.find(first.uploadId)).toEqual(second);
    expect(await rotations.find(first.uploadId, first.rotationId)).toMatchObject({ state: 'DONE' });
  });

  it('fails, and is due for what is left of its copy', async () => {
    const { rotations } = pair.first;
    const early = await taken(pair.first);
    const late = await taken(pair.first);
    await rotations.saveCopy(late, 'copy');
    expect(await rotations.recordComplete(late)).toBe(true);
    for (const rotation of [early, late])
      expect(await rotations.fail(rotation, { lastError: 'why', quietForMs: HOUR_MS })).toMatchObject({
        state: 'FAILED',
        lastError: 'why',
      });
    // What was about to be completed is left alone for a while.
    expect(await rotations.take(late, HOUR_MS)).toBeUndefined();
    const cleaning = (await rotations.take(early, HOUR_MS))!;
    await rotations.finishCleanup(cleaning);
    expect(await rotations.take(early, HOUR_MS)).toBeUndefined();
    expect(await pair.first.find(early.uploadId)).toMatchObject({ encryption: { mode: 'sse-s3' } });
    // A generation that was used is not used again: something may still appear under its key.
    const next = await inserted(pair.first, draftOf((await pair.first.find(early.uploadId))!));
    expect(next.generation).toBe(2);
  });

  it('makes room for another when it is taken and failed, and hears no more of its last driver', async () => {
    const { first, second } = pair;
    const node = await begin(first, 'COMPLETED', { draft: { encryption: { mode: 'sse-s3' } } });
    const left = (await first.rotations.take(await inserted(first, draftOf(node)), 1))!;
    await first.rotations.saveCopy(left, 'copy');
    await passMs(1);
    const takes = await Promise.all(pair.both().map(({ rotations }) => rotations.take(left, HOUR_MS)));
    const [taker, ...others] = takes.filter((take) => take !== undefined);
    expect(others).toEqual([]);
    const failure = { lastError: 'given up', quietForMs: 0 };
    expect(await second.rotations.fail(taker!, failure)).toMatchObject({ state: 'FAILED' });
    expect(await first.rotations.recordComplete(left)).toBe(false);
    expect(await first.rotations.switchObject(left, { etag: '"late"', proof: 'size' })).toBeUndefined();
    const next = await inserted(second, draftOf(node));
    expect(next).toMatchObject({ state: 'PENDING', generation: left.generation + 1 });
  });

  it('has ended, and is due again where something may still appear', async () => {
    const rotation = await switched(pair.first);
    const { rotations } = pair.first;
    await rotations.finish(rotation, { checkAgainAfterMs: 300 });
    expect(await rotations.take(rotation, HOUR_MS)).toBeUndefined();
    await passMs(300);
    const cleaning = (await pair.second.rotations.take(rotation, HOUR_MS))!;
    expect(cleaning).toMatchObject({ state: 'DONE' });
    await rotations.postpone(cleaning, { delayMs: 0 });
    const again = (await rotations.take(rotation, HOUR_MS))!;
    await rotations.finishCleanup(again);
    expect(await rotations.take(rotation, HOUR_MS)).toBeUndefined();
  });

  it('is found by both of its keys', async () => {
    const rotation = await taken(pair.first);
    await taken(pair.first);
    const { s3Key, sourceKey, uploadId } = rotation;
    for (const keys of [[s3Key], ['none', sourceKey], [s3Key, sourceKey]]) {
      const found = await pair.second.rotations.findByKeys(keys);
      expect(found.map((one) => one.uploadId)).toEqual([uploadId]);
    }
    expect(await pair.second.rotations.findByKeys(['none'])).toEqual([]);
    expect(await pair.second.rotations.findByKeys([])).toEqual([]);
  });

  it('is counted while it is open', async () => {
    const { rotations } = pair.first;
    const before = await rotations.countOpen();
    const open = await switched(pair.first);
    const over = await taken(pair.first);
    await rotations.fail(over, { lastError: 'why', quietForMs: 0 });
    const during = await pair.second.rotations.countOpen();
    expect(during.counts).toEqual({ ...before.counts, SWITCHED: before.counts.SWITCHED + 1 });
    expect(during.oldestAgeMs).toBeGreaterThanOrEqual(0);
    await rotations.finish(open, {});
    expect((await pair.second.rotations.countOpen()).counts).toEqual(before.counts);
  });

  it('is put off, for everybody but who takes it', async () => {
    const rotation = await taken(pair.first);
    const { rotations } = pair.first;
    await rotations.postpone(rotation, { delayMs: HOUR_MS, lastError: 'keys' });
    const due = await rotations.findDue({ bucket: BUCKET, limit: 1000 });
    expect(due.map(({ uploadId }) => uploadId)).not.toContain(rotation.uploadId);
    expect(await rotations.take(rotation, HOUR_MS)).toMatchObject({ epoch: 2, lastError: 'keys' });
  });
}
