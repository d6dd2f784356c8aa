import { randomUUID } from 'node:crypto';
import { UPLOAD_EVENT_TYPES, type UploadEvent } from '@longhaul/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/lib/ports/catalog.ts';
import type { UploadRecord } from '../../src/lib/ports/upload-record.ts';
import { begin, CANCEL, eventsOf, FAILURE, HOUR_MS } from '../../src/lib/testing/catalog-harness.ts';
import type { SqlFixture } from './sql-fixture.ts';

const SENT = { kind: 'sent' } as const;
const PARKED = { kind: 'parked', afterMs: 0, deliveredTo: [], lastError: 'poison' } as const;

/** What the port promises of events and cannot show: that they are of one piece with their row, and in order. */
export function describeOutboxTables(name: string, setUp: () => Promise<SqlFixture>): void {
  describe(`outbox tables: ${name}`, () => {
    let fixture: SqlFixture;
    let first: Catalog;
    let second: Catalog;

    beforeEach(async () => {
      fixture = await setUp();
      first = fixture.open();
      second = fixture.open();
      await first.migrate();
    });

    afterEach(async () => {
      await first.close();
      await second.close();
      await fixture.dispose();
    });

    const endings: [string, 'COMPLETING' | 'ABORTING', (record: UploadRecord) => Promise<unknown>][] = [
      [
        'completed',
        'COMPLETING',
        ({ uploadId, epoch }) => first.finishCompletion(uploadId, epoch, { etag: '"e"', proof: 'size' }),
      ],
      ['failed', 'COMPLETING', ({ uploadId, epoch }) => first.fail(uploadId, epoch, FAILURE)],
      ['cancelled', 'ABORTING', ({ uploadId }) => first.finishAbort(uploadId)],
    ];

    it.each(endings)('a row is not %s unless its event is written', async (end, state, finish) => {
      const before = await begin(first, state);
      await writeEvent(before.uploadId, UPLOAD_EVENT_TYPES[end as 'completed'], 'in the way');
      await expect(finish(before)).rejects.toMatchObject({ name: 'CatalogError', cause: expect.anything() });
      expect(await second.find(before.uploadId)).toEqual(before);
      await fixture.query('delete from outbox');
      expect(await finish(before)).toMatchObject({ uploadId: before.uploadId });
      expect(await eventsOf(second, before.uploadId)).toHaveLength(1);
    });

    it.each(endings)('an event is not written unless its row is %s', async (_, state, finish) => {
      const before = await begin(first, state);
      await fixture.query('alter table outbox rename to elsewhere');
      await expect(finish(before)).rejects.toMatchObject({ name: 'CatalogError' });
      await fixture.query('alter table elsewhere rename to outbox');
      expect(await second.find(before.uploadId)).toEqual(before);
      expect(await eventsOf(second, before.uploadId)).toEqual([]);
    });

    it('tells the events of each node in their order, whatever the relays do at once', async () => {
      const nodeIds = Array.from({ length: 25 }, () => randomUUID());
      const written: Record<string, string[]> = {};
      for (const type of Object.values(UPLOAD_EVENT_TYPES)) {
        for (const nodeId of nodeIds) (written[nodeId] ??= []).push(await writeEvent(nodeId, type));
      }
      const told: Record<string, string[]> = {};
      const relay = async (catalog: Catalog): Promise<void> => {
        for (;;) {
          const claimed = await catalog.outbox.claim({ limit: 3, leaseMs: HOUR_MS });
          for (const { event } of claimed) {
            (told[event.data.nodeId] ??= []).push(event.id);
            await catalog.outbox.settle(event.id, SENT);
          }
          if (claimed.length === 0 && (await catalog.outbox.status()).unsentCount === 0) return;
        }
      };
      await Promise.all([relay(first), relay(first), relay(second), relay(second)]);
      expect(told).toEqual(written);
    });

    it('lets an event be claimed only when those before it are sent, not when they are claimed', async () => {
      const nodeId = randomUUID();
      const [one, two] = [
        await writeEvent(nodeId, UPLOAD_EVENT_TYPES.completed),
        await writeEvent(nodeId, UPLOAD_EVENT_TYPES.failed),
      ];
      expect(await claimIds(first)).toEqual([one]);
      expect(await claimIds(second)).toEqual([]);
      await first.outbox.settle(one, { ...PARKED, kind: 'retry', afterMs: HOUR_MS });
      expect(await claimIds(second)).toEqual([]);
      await first.outbox.settle(one, SENT);
      expect(await claimIds(second)).toEqual([two]);
    });

    it('holds back the later events of a parked one, and of no other node', async () => {
      const [poisoned, healthy] = [randomUUID(), randomUUID()];
      const [completed, failed] = [UPLOAD_EVENT_TYPES.completed, UPLOAD_EVENT_TYPES.failed];
      const poison = await writeEvent(poisoned, completed);
      expect(await claimIds(first)).toEqual([poison]);
      await first.outbox.settle(poison, PARKED);
      const behind = await writeEvent(poisoned, failed);
      const others = [await writeEvent(healthy, completed), await writeEvent(healthy, failed)];
      for (const other of others) {
        expect(await claimIds(second)).toEqual([other]);
        await second.outbox.settle(other, SENT);
      }
      expect(await first.outbox.status()).toMatchObject({ unsentCount: 2, parkedCount: 1 });

      await first.outbox.replay({ kind: 'parked' });
      expect(await claimIds(second)).toEqual([poison]);
      await second.outbox.settle(poison, SENT);
      expect(await claimIds(second)).toEqual([behind]);
    });

    it('replays the events of a node in their order', async () => {
      const nodeId = randomUUID();
      const written = [
        await writeEvent(nodeId, UPLOAD_EVENT_TYPES.cancelled),
        await writeEvent(nodeId, UPLOAD_EVENT_TYPES.failed),
      ];
      for (const id of written) {
        await claimIds(first);
        await first.outbox.settle(id, SENT);
      }
      expect(await second.outbox.replay({ kind: 'since', sinceEpochMs: 0 })).toBe(2);
      for (const id of written) {
        expect(await claimIds(first)).toEqual([id]);
        await first.outbox.settle(id, SENT);
      }
    });

    it('removes an ended row with nothing but its own, and keeps an event that it has sent', async () => {
      const { uploadId } = await begin(first, 'UPLOADING');
      await first.beginAbort(uploadId, CANCEL);
      await first.finishAbort(uploadId);
      const [event] = await eventsOf(first, uploadId);
      await first.outbox.settle(event!.id, SENT);
      await fixture.query(`update nodes set updated_at = ${fixture.time(-1000)}`);
      expect(await first.removeEnded(500)).toBe(1);
      expect(await first.outbox.replay({ kind: 'event', eventId: event!.id })).toBe(1);
    });

    async function claimIds(catalog: Catalog): Promise<string[]> {
      const claimed = await catalog.outbox.claim({ limit: 100, leaseMs: HOUR_MS });
      return claimed.map(({ event }) => event.id);
    }

    // No upload ends twice, so no catalog writes two events of one node: this is what later versions may do.
    async function writeEvent(nodeId: string, type: UploadEvent['type'], name = ''): Promise<string> {
      const id = randomUUID();
      const event = JSON.stringify({ id, type, data: { nodeId, name } });
      await fixture.query(`
        insert into outbox (event_id, node_id, type, event, written_at, next_attempt_at)
        values ('${id}', '${nodeId}', '${type}', '${event}', ${fixture.time()}, ${fixture.time()})`);
      return id;
    }
  });
}
