import { randomUUID } from 'node:crypto';
import { UPLOAD_EVENT_TYPES, type UploadEvent, type UploadEventData } from '@longhaul/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventSink } from '../ports/event-sink.ts';

/** A sink for one run of {@link describeEventSink}. */
export interface EventSinkFixture {
  readonly sink: EventSink;
  /** What the other side has taken of a node, in the order of its arrival. */
  received(nodeId: string): Promise<readonly UploadEvent[]>;
  /** Makes an event that the other side will never take. Left out when there is none. */
  readonly refusedEvent?: () => UploadEvent;
  /** For an other side that can be away. */
  readonly outage?: {
    /** Takes it away. */
    begin(): Promise<void>;
    /** Brings it back. */
    end(): Promise<void>;
  };
  /** Lets go of the other side. */
  dispose(): Promise<void>;
}

/**
 * What every event sink must do. Run it against an adapter of your own from a vitest file.
 *
 * @param name what the report calls the adapter
 * @param setup makes a sink and its other side
 * @example describeEventSink('Kafka', () => kafkaFixture(brokers));
 */
export function describeEventSink(name: string, setup: () => Promise<EventSinkFixture>): void {
  describe(`event sink contract: ${name}`, () => {
    let fixture: EventSinkFixture;
    let sink: EventSink;

    beforeAll(async () => {
      fixture = await setup();
      sink = fixture.sink;
    });

    afterAll(async () => {
      await sink.close();
      await fixture.dispose();
    });

    it('has a name', () => {
      expect(sink.name).toMatch(/\S/);
    });

    it.each(Object.values(UPLOAD_EVENT_TYPES))(
      'tells every word of %s, and then only resolves',
      async (type) => {
        const event = exampleEvent({ type });
        await sink.publish(event);
        expect(await fixture.received(event.data.nodeId)).toEqual([event]);
      },
    );

    it('keeps names in any script, quotes and line breaks', async () => {
      const odd = `ключ/{x}:é文🗂️ "'\\ \r\n%41`;
      const event = exampleEvent({ subject: odd, data: { name: odd, key: odd, metadata: { odd } } });
      await sink.publish(event);
      expect(await fixture.received(event.data.nodeId)).toEqual([event]);
    });

    it('tells the events of a node in their order', async () => {
      const { nodeId } = exampleEvent().data;
      const events = Array.from({ length: 10 }, () => exampleEvent({ data: { nodeId, uploadId: nodeId } }));
      for (const event of events) await sink.publish(event);
      expect(await fixture.received(nodeId)).toEqual(events);
    });

    it('tells those of many nodes at once', async () => {
      const events = Array.from({ length: 40 }, () => exampleEvent());
      await Promise.all(events.map((event) => sink.publish(event)));
      for (const event of events) expect(await fixture.received(event.data.nodeId)).toEqual([event]);
    });

    it('tells an event again when it is asked to', async () => {
      const event = exampleEvent();
      await sink.publish(event);
      await sink.publish(event);
      expect(await fixture.received(event.data.nodeId)).toEqual([event, event]);
    });

    it('says that an event is refused, and goes on with the next', async () => {
      const refused = fixture.refusedEvent?.();
      if (refused !== undefined) {
        const { nodeId } = refused.data;
        await expect(sink.publish(refused)).rejects.toMatchObject({
          name: 'EventSinkError',
          kind: 'rejected',
          message: expect.stringMatching(/\S/),
        });
        expect(await fixture.received(nodeId)).toEqual([]);
      }
      const next = exampleEvent();
      await sink.publish(next);
      expect(await fixture.received(next.data.nodeId)).toEqual([next]);
    });

    it('says that the other side is away, and finds it when it is back', async () => {
      if (fixture.outage === undefined) return;
      const [early, late] = [exampleEvent(), exampleEvent()];
      await sink.publish(exampleEvent());
      await fixture.outage.begin();
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await expect(sink.publish(early)).rejects.toMatchObject({
          name: 'EventSinkError',
          kind: 'unavailable',
        });
      }
      await fixture.outage.end();
      // A client may learn only from a failure that its old connection is no good.
      await expect.poll(() => sink.publish(early), { timeout: 60_000 }).toBeUndefined();
      await sink.publish(late);
      expect((await fixture.received(early.data.nodeId)).at(-1)).toEqual(early);
      expect(await fixture.received(late.data.nodeId)).toEqual([late]);
    });

    it('takes nothing once it is closed, and closes twice', async () => {
      await sink.close();
      await sink.close();
      const event = exampleEvent();
      await expect(sink.publish(event)).rejects.toMatchObject({
        name: 'EventSinkError',
        kind: 'unavailable',
      });
      expect(await fixture.received(event.data.nodeId)).toEqual([]);
    });
  });
}

/**
 * An event like any other, of a node that no other has.
 *
 * @param wishes attributes, and members of `data`, that shall be different
 */
export function exampleEvent(
  wishes: Partial<Omit<UploadEvent, 'data'>> & { readonly data?: Partial<UploadEventData> } = {},
): UploadEvent {
  const { data, ...attributes } = wishes;
  const nodeId = randomUUID();
  const key = `connectors/default/${nodeId}`;
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/longhaul/7f0c/buckets/media',
    type: UPLOAD_EVENT_TYPES.completed,
    subject: key,
    time: '2026-11-27T16:30:00.123Z',
    datacontenttype: 'application/json',
    ...attributes,
    data: {
      uploadId: nodeId,
      nodeId,
      connectorId: 'default',
      owner: 'owner',
      name: 'film.mov',
      bucket: 'media',
      key,
      mode: 'multipart',
      contentType: 'video/quicktime',
      metadata: { reel: '7' },
      sizeBytes: 20 * 1024 ** 2,
      partSizeBytes: 8 * 1024 ** 2,
      partCount: 3,
      createdAtEpochMs: 1_795_797_000_000,
      endedAtEpochMs: 1_795_797_123_456,
      etag: '"d41d8cd98f00b204e9800998ecf8427e-3"',
      proof: 'size',
      ...data,
    },
  };
}
