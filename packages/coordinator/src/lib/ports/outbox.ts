import type { UploadEvent } from '@longhaul/protocol';

/**
 * Events that wait to be told. Rows are written by the {@link Catalog}, each in the transaction of what it tells of.
 *
 * Throws `CatalogError` when the database cannot be reached.
 */
export interface Outbox {
  /**
   * Up to `limit` events that are due, and hides them from other relays for `leaseMs`. Of each node only the oldest
   * unsent one, so that order holds: a parked event holds back the later ones of its node, and nobody else's.
   */
  claim(claim: { readonly limit: number; readonly leaseMs: number }): Promise<readonly OutboxEvent[]>;

  /** Writes down what came of telling an event. Nothing happens to one that is sent already. */
  settle(eventId: string, outcome: DeliveryOutcome): Promise<void>;

  /** How far behind the telling is, and what is parked (oldest first, at most 100). */
  status(): Promise<OutboxStatus>;

  /** Makes events due that are parked or sent, as if nobody had been told of them. Answers how many. */
  replay(selection: ReplaySelection): Promise<number>;

  /** Removes events that were sent more than `retainMs` ago, at most `limit` (default all). Answers how many. */
  removeSent(retainMs: number, limit?: number): Promise<number>;
}

/** An event in the outbox. */
export interface OutboxEvent {
  readonly event: UploadEvent;
  /** Times that it was claimed before, so 0 the first time. */
  readonly attempts: number;
  /** Names of the sinks that have taken it. */
  readonly deliveredTo: readonly string[];
}

/** What came of an attempt to tell an event. */
export type DeliveryOutcome =
  | { readonly kind: 'sent' }
  | {
      /** `retry`: due again after `afterMs`. `parked`: never again by itself. */
      readonly kind: 'retry' | 'parked';
      readonly afterMs: number;
      readonly deliveredTo: readonly string[];
      readonly lastError: string;
    };

/** Which events to replay. */
export type ReplaySelection =
  | { readonly kind: 'parked' }
  | { readonly kind: 'event'; readonly eventId: string }
  /** Every event, sent or parked, written since. */
  | { readonly kind: 'since'; readonly sinceEpochMs: number };

/** The state of an outbox. */
export interface OutboxStatus {
  /** Events that nobody was told of yet, parked ones and those behind them included. */
  readonly unsentCount: number;
  /** Age of the oldest of them. */
  readonly oldestUnsentAgeMs?: number;
  readonly parkedCount: number;
  readonly parked: readonly ParkedEvent[];
}

/** An event that could not be told. */
export interface ParkedEvent {
  readonly eventId: string;
  readonly nodeId: string;
  readonly type: string;
  readonly attempts: number;
  readonly lastError: string;
}
