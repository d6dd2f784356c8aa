import type { UploadEvent } from '@longhaul/protocol';
import { type EventSink, EventSinkError } from '../ports/event-sink.ts';

/**
 * Tells a function of this process how uploads end.
 *
 * The function is called at least once for each event, in order for each node, in one of the processes that share the
 * catalog. What it returns is awaited; if it throws, it is called again later, for as long as it throws.
 *
 * @param listener what to do with an event; recognise a repetition by its `id`
 * @param options `name` tells several listeners of one coordinator apart, and must stay the same. Default `listener`.
 * @example
 * createCoordinator({ ...store, objectStore, tokenKeys, sinks: [createListenerSink((event) => index(event.data))] });
 */
export function createListenerSink(
  listener: (event: UploadEvent) => void | Promise<void>,
  options: { readonly name?: string } = {},
): EventSink {
  let isClosed = false;
  return {
    name: options.name ?? 'listener',
    async publish(event) {
      if (isClosed) throw new EventSinkError('unavailable', 'the sink is closed');
      try {
        await listener(event);
      } catch (cause) {
        const what = cause instanceof Error ? cause.name : typeof cause;
        throw new EventSinkError('unavailable', `the listener threw (${what})`, { cause });
      }
    },
    async close() {
      isClosed = true;
    },
  };
}
