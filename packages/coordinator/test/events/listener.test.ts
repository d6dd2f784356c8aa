import type { UploadEvent } from '@longhaul/protocol';
import { describe, expect, it } from 'vitest';
import { createListenerSink } from '../../src/lib/events/listener-sink.ts';
import { describeEventSink, exampleEvent } from '../../src/lib/testing/event-sink.contract.ts';

describeEventSink('listener', async () => {
  const received: UploadEvent[] = [];
  let isAway = false;
  return {
    sink: createListenerSink(async (event) => {
      await Promise.resolve();
      if (isAway) throw new Error('away');
      received.push(event);
    }),
    received: async (nodeId) => received.filter(({ data }) => data.nodeId === nodeId),
    outage: {
      begin: async () => void (isAway = true),
      end: async () => void (isAway = false),
    },
    dispose: async () => undefined,
  };
});

describe('listener sink', () => {
  it('is retried whatever is thrown, and keeps the words for the log', async () => {
    const cause = new TypeError('key=hidden');
    const sink = createListenerSink(() => {
      throw cause;
    });
    await expect(sink.publish(exampleEvent())).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the listener threw (TypeError)',
      cause,
    });
  });

  it('may have a name of its own', () => {
    expect(createListenerSink(() => undefined).name).toBe('listener');
    expect(createListenerSink(() => undefined, { name: 'index' }).name).toBe('index');
  });
});
