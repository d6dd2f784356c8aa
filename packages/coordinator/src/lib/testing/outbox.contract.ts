import { randomUUID } from 'node:crypto';
import { UPLOAD_EVENT_TYPES, type UploadState } from '@longhaul/protocol';
import { describe, expect, it } from 'vitest';
import type { Catalog } from '../ports/catalog.ts';
import type { OutboxEvent } from '../ports/outbox.ts';
import {
  begin,
  ENDED_STATES,
  eventsOf,
  exampleDraft,
  HOUR_MS,
  moveTo,
  passMs,
  type SetUpCatalog,
  useCatalogPair,
} from './catalog-harness.ts';

const TYPES: Record<(typeof ENDED_STATES)[number], string> = {
  COMPLETED: UPLOAD_EVENT_TYPES.completed,
  CANCELLED: UPLOAD_EVENT_TYPES.cancelled,
  EXPIRED: UPLOAD_EVENT_TYPES.expired,
  FAILED: UPLOAD_EVENT_TYPES.failed,
};

const RETRY = { kind: 'retry', afterMs: 0, deliveredTo: [], lastError: 'broker away' } as const;
const PARK = { kind: 'parked', afterMs: 0, deliveredTo: [], lastError: 'too large' } as const;
const ALL = { limit: 10_000, leaseMs: HOUR_MS };

/** Events that wait to be told. */
export function describeOutbox(setUp: SetUpCatalog): void {
  describe('events', () => describeEvents(setUp));
  describe('claims', () => describeClaims(setUp));
  describe('outcomes', () => describeOutcomes(setUp));
  describe('status and replay', () => describeReplay(setUp));
}

function describeEvents(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('tell what was completed', async () => {
    const draft = exampleDraft({
      metadata: { 'x-y': '"quoted" \\ ü' },
      encryption: { mode: 'sse-kms', kmsKeyId: 'key' },
      checksum: { algorithm: 'CRC32', value: 'AAAAAA==' },
    });
    await pair.first.insert(draft);
    await moveTo(pair.first, draft.uploadId, 'COMPLETING');
    const object = { etag: '"abc-3"', versionId: 'v1', proof: 'checksum' } as const;
    const record = await pair.first.finishCompletion(draft.uploadId, 1, object);
    const { installationId } = await pair.second.installation();
    const endedAtEpochMs = record!.completedAtEpochMs!;
    expect(await eventsOf(pair.second, draft.uploadId)).toEqual([
      {
        specversion: '1.0',
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        source: `/longhaul/${installationId}/buckets/media`,
        type: 'io.longhaul.upload.completed.v1',
        subject: draft.s3Key,
        time: new Date(endedAtEpochMs).toISOString(),
        datacontenttype: 'application/json',
        data: {
          uploadId: draft.uploadId,
          nodeId: draft.uploadId,
          connectorId: 'default',
          owner: 'owner',
          name: 'film.mov',
          bucket: 'media',
          key: draft.s3Key,
          mode: 'multipart',
          contentType: 'video/quicktime',
          metadata: draft.metadata,
          ...draft.plan,
          encryption: draft.encryption,
          createdAtEpochMs: record!.createdAtEpochMs,
          endedAtEpochMs,
          ...object,
          checksum: draft.checksum,
        },
      },
    ]);
  });

  it.each(ENDED_STATES)('are of one type for each end: %s', async (state) => {
    const { uploadId, createdAtEpochMs } = await begin(pair.first, state);
    const [event] = await eventsOf(pair.first, uploadId);
    expect(event).toMatchObject({ type: TYPES[state] });
    expect(event!.data.endedAtEpochMs).toBeGreaterThanOrEqual(createdAtEpochMs);
    expect(event!.time).toBe(new Date(event!.data.endedAtEpochMs).toISOString());
    expect(event!.data.reason).toBe(state === 'FAILED' ? 'reason' : undefined);
    expect(event!.data.etag).toBe(state === 'COMPLETED' ? '"e"' : undefined);
  });

  it.each(['PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING'] as const)(
    'are not written of one that is %s',
    async (state) => {
      const { uploadId } = await begin(pair.first, state);
      expect(await eventsOf(pair.first, uploadId)).toEqual([]);
    },
  );

  it.each(ENDED_STATES)('hold no secret of one that is %s', async (state) => {
    const { uploadId, writeToken, createId } = await begin(pair.first, state);
    const text = JSON.stringify(await eventsOf(pair.first, uploadId));
    for (const secret of [writeToken, createId, `s3-${uploadId}`]) expect(text).not.toContain(secret);
  });
}

function describeClaims(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('come oldest first, as many as wanted', async () => {
    const uploadIds = await endUploads(pair.first, 5);
    const some = await pair.first.outbox.claim({ limit: 3, leaseMs: HOUR_MS });
    expect(some.map(nodeOf)).toEqual(uploadIds.slice(0, 3));
    expect((await pair.second.outbox.claim(ALL)).map(nodeOf)).toEqual(uploadIds.slice(3));
  });

  it('hide an event for the length of the lease, and are counted', async () => {
    const [uploadId] = await endUploads(pair.first, 1);
    const first = await pair.first.outbox.claim({ limit: 10, leaseMs: 0 });
    expect(first).toMatchObject([{ attempts: 0, deliveredTo: [], event: { data: { uploadId } } }]);
    await passMs(0);
    expect(await pair.second.outbox.claim(ALL)).toEqual([{ ...first[0], attempts: 1 }]);
    expect(await pair.first.outbox.claim(ALL)).toEqual([]);
  });

  it('of several relays never meet', async () => {
    const uploadIds = await endUploads(pair.first, 60);
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        pair.both()[index % 2]!.outbox.claim({ limit: 7, leaseMs: HOUR_MS }),
      ),
    );
    const claimed = claims.flat().map(nodeOf);
    expect(claimed.toSorted()).toEqual([...new Set(claimed)].toSorted());
    const all = [...claimed, ...(await pair.first.outbox.claim(ALL)).map(nodeOf)];
    expect(all.toSorted()).toEqual(uploadIds.toSorted());
  });
}

function describeOutcomes(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('sent: is never told again, whatever is said of it later', async () => {
    const event = await claimNew(pair.first);
    await pair.first.outbox.settle(event.id, { kind: 'sent' });
    await pair.second.outbox.settle(event.id, RETRY);
    await pair.second.outbox.settle(event.id, PARK);
    await passMs(0);
    expect(await pair.first.outbox.claim(ALL)).toEqual([]);
    expect(await pair.first.outbox.status()).toEqual({ unsentCount: 0, parkedCount: 0, parked: [] });
    expect(await pair.first.outbox.replay({ kind: 'parked' })).toBe(0);
  });

  it('retry: is told again after that time, and to those who have not taken it', async () => {
    const event = await claimNew(pair.first);
    await pair.first.outbox.settle(event.id, { ...RETRY, afterMs: HOUR_MS });
    await passMs(0);
    expect(await pair.second.outbox.claim(ALL)).toEqual([]);
    await pair.first.outbox.settle(event.id, { ...RETRY, deliveredTo: ['kafka', 'it"s'] });
    await passMs(0);
    const [again] = await pair.second.outbox.claim(ALL);
    expect(again).toEqual({ event, attempts: 1, deliveredTo: ['kafka', 'it"s'] });
    await pair.first.outbox.settle(event.id, { kind: 'sent' });
  });

  it('parked: is never told again by itself, and nobody else waits for it', async () => {
    const event = await claimNew(pair.first);
    await pair.first.outbox.settle(event.id, { ...PARK, deliveredTo: ['webhook'] });
    const other = await claimNew(pair.first);
    expect(other.id).not.toBe(event.id);
    await passMs(0);
    expect(await pair.second.outbox.claim(ALL)).toEqual([]);
    await pair.first.outbox.settle(event.id, RETRY);
    await passMs(0);
    expect(await pair.second.outbox.claim(ALL)).toEqual([]);
  });

  it('of an event that nobody knows are no matter', async () => {
    for (const id of [randomUUID(), 'no-uuid']) {
      await pair.first.outbox.settle(id, { kind: 'sent' });
      expect(await pair.first.outbox.replay({ kind: 'event', eventId: id })).toBe(0);
    }
  });

  it('are removed when sent long ago, and only then', async () => {
    const [sent, waiting, parked] = [
      await claimNew(pair.first),
      await claimNew(pair.first),
      await claimNew(pair.first),
    ];
    await pair.first.outbox.settle(sent.id, { kind: 'sent' });
    await pair.first.outbox.settle(parked.id, PARK);
    await passMs(0);
    expect(await pair.first.outbox.removeSent(HOUR_MS)).toBe(0);
    expect(await pair.first.outbox.removeSent(0)).toBeGreaterThan(0);
    expect(await pair.first.outbox.replay({ kind: 'event', eventId: sent.id })).toBe(0);
    expect(await pair.first.outbox.replay({ kind: 'event', eventId: parked.id })).toBe(1);
    await pair.first.outbox.settle(waiting.id, { kind: 'sent' });
    expect(await pair.first.outbox.replay({ kind: 'event', eventId: waiting.id })).toBe(1);
  });
}

function describeReplay(setUp: SetUpCatalog): void {
  const pair = useCatalogPair(setUp);

  it('status tells what waits, how long, and what is parked and why', async () => {
    expect(await pair.first.outbox.status()).toEqual({ unsentCount: 0, parkedCount: 0, parked: [] });
    await endUploads(pair.first, 2);
    const [event] = await pair.first.outbox.claim({ limit: 1, leaseMs: HOUR_MS });
    await pair.first.outbox.settle(event!.event.id, PARK);
    await passMs(20);
    const status = await pair.second.outbox.status();
    expect(status).toEqual({
      unsentCount: 2,
      oldestUnsentAgeMs: expect.any(Number),
      parkedCount: 1,
      parked: [
        {
          eventId: event!.event.id,
          nodeId: nodeOf(event!),
          type: TYPES.CANCELLED,
          attempts: 1,
          lastError: 'too large',
        },
      ],
    });
    expect(status.oldestUnsentAgeMs).toBeGreaterThanOrEqual(20);
    await pair.first.outbox.replay({ kind: 'parked' });
    await settleAll(pair.first, 'sent');
  });

  it('status shows the oldest hundred that are parked, and counts all', async () => {
    const uploadIds = await endUploads(pair.first, 105);
    await settleAll(pair.first, 'parked');
    const { parked, parkedCount } = await pair.first.outbox.status();
    expect(parkedCount).toBe(105);
    expect(parked.map(({ nodeId }) => nodeId)).toEqual(uploadIds.slice(0, 100));
    expect(await pair.second.outbox.replay({ kind: 'parked' })).toBe(105);
    expect(await pair.first.outbox.status()).toMatchObject({ parkedCount: 0, parked: [] });
    await settleAll(pair.first, 'sent');
  });

  it('makes a parked or sent event as if nobody had been told of it', async () => {
    for (const outcome of [{ ...PARK, deliveredTo: ['kafka'] }, { kind: 'sent' }] as const) {
      const event = await claimNew(pair.first);
      await pair.first.outbox.settle(event.id, outcome);
      expect(await pair.second.outbox.replay({ kind: 'event', eventId: event.id })).toBe(1);
      expect(await pair.first.outbox.claim(ALL)).toEqual([{ event, attempts: 0, deliveredTo: [] }]);
      await pair.first.outbox.settle(event.id, { kind: 'sent' });
    }
  });

  it('leaves an event alone that is being told', async () => {
    const event = await claimNew(pair.first);
    expect(await pair.second.outbox.replay({ kind: 'event', eventId: event.id })).toBe(0);
    expect(await pair.second.outbox.claim(ALL)).toEqual([]);
    await pair.first.outbox.settle(event.id, { kind: 'sent' });
  });

  it('takes all since a time, and none before', async () => {
    const before = await claimNew(pair.first);
    await pair.first.outbox.settle(before.id, { kind: 'sent' });
    await passMs(2);
    const { record } = await pair.first.insert(exampleDraft());
    await moveTo(pair.first, record.uploadId, 'CANCELLED');
    const [since] = await pair.first.outbox.claim(ALL);
    await pair.first.outbox.settle(since!.event.id, { kind: 'sent' });
    const sinceEpochMs = record.createdAtEpochMs;
    expect(await pair.second.outbox.replay({ kind: 'since', sinceEpochMs })).toBe(1);
    expect(await pair.first.outbox.claim(ALL)).toMatchObject([{ event: { id: since!.event.id } }]);
  });
}

function nodeOf({ event }: OutboxEvent): string {
  return event.data.nodeId;
}

/** Ends uploads one after the other. Answers their ids in that order. */
async function endUploads(catalog: Catalog, count: number): Promise<string[]> {
  const state: UploadState = 'CANCELLED';
  const uploadIds: string[] = [];
  for (let index = 0; index < count; index += 1) uploadIds.push((await begin(catalog, state)).uploadId);
  return uploadIds;
}

/** Writes an event and claims it, when no other is due. */
async function claimNew(catalog: Catalog): Promise<OutboxEvent['event']> {
  const [uploadId] = await endUploads(catalog, 1);
  const claimed = await catalog.outbox.claim(ALL);
  expect(claimed.map(nodeOf)).toEqual([uploadId]);
  return claimed[0]!.event;
}

/** Settles all that is due. */
async function settleAll(catalog: Catalog, kind: 'sent' | 'parked'): Promise<void> {
  for (const { event } of await catalog.outbox.claim(ALL)) {
    await catalog.outbox.settle(event.id, kind === 'sent' ? { kind } : PARK);
  }
}
