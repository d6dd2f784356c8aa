import type { UploadEvent } from '@longhaul/protocol';

/**
 * Where events go. Told at least once; whoever listens recognises a repetition by the event's `id`. Events of one node
 * arrive in their order.
 */
export interface EventSink {
  /** Unique among the sinks of a coordinator, and the same after a restart: it is kept with events that it has taken. */
  readonly name: string;

  /**
   * Resolves once the event is safe at the other side.
   *
   * @throws EventSinkError `rejected` when the other side will never take this event, `unavailable` when it is away
   */
  publish(event: UploadEvent): Promise<void>;

  /** Lets go of connections. */
  close(): Promise<void>;
}

/** An event was not taken. */
export class EventSinkError extends Error {
  override readonly name = 'EventSinkError';
  readonly kind: 'rejected' | 'unavailable';

  constructor(kind: EventSinkError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
