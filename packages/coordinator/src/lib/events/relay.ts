import type { UploadEvent } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { type EventSink, EventSinkError } from '../ports/event-sink.ts';
import type { Histogram, HistogramDefinition, Metrics } from '../ports/metrics.ts';
import type { DeliveryOutcome, Outbox, OutboxEvent } from '../ports/outbox.ts';

/** What {@link relayEvents} works with. */
export interface RelayContext {
  readonly outbox: Outbox;
  /** Everybody who is told. With none, nothing is claimed: events wait for the first one. */
  readonly sinks: readonly EventSink[];
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Told of failures: of each sink once a call, and of every event that is parked. */
  readonly onError: (error: unknown) => void;
}

/** How much of the outbox one call tells. */
export interface RelayWish {
  /** Most events of this call. Default: all that are due. */
  readonly limit?: number;
  /** Ends the call after the events that are under way. */
  readonly signal?: AbortSignal;
}

/** What came of one call, in events. */
export interface RelayReport {
  /** Every sink has taken them. */
  readonly sent: number;
  /** Not everybody has taken them; due again later. */
  readonly retried: number;
  /** A sink will never take them, so they and the later ones of their nodes wait for `replay`. */
  readonly parked: number;
}

/** An event that a sink has refused for good is parked at this attempt, no sooner. */
export const ATTEMPTS_BEFORE_PARKING = 5;

const DELIVERIES: HistogramDefinition = {
  name: 'longhaul_event_delivery_duration_seconds',
  help: 'Attempts to tell a sink of an event.',
  labelNames: ['sink', 'outcome'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
};

const CLAIM_SIZE = 32;
/** A sink that has not answered by then counts as away. */
const PUBLISH_TIMEOUT_MS = 30_000;
/** Longer than any attempt, so that no two relays tell an event at once. */
const LEASE_MS = 2 * PUBLISH_TIMEOUT_MS;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
const AWAY_GROWTH = 2;
/** Faster, so that five attempts take more than a minute: a refusal may be a mistake of the other side. */
const REFUSED_GROWTH = 4;
const LAST_ERROR_LENGTH = 500;

/**
 * Tells the sinks of every event that is due. Any number of processes may do so at once. An event is told at least once
 * to each sink: again after a crash between the telling and writing that down.
 *
 * A sink that is away is tried again for ever, each time after a longer wait, up to 1 min. An event that is refused at its
 * fifth attempt or later is parked; until then the waits grow faster.
 *
 * @throws CatalogError when the database cannot be reached; what was told meanwhile may be told again
 */
export async function relayEvents(context: RelayContext, wish: RelayWish = {}): Promise<RelayReport> {
  const { outbox, sinks } = context;
  const { limit = Number.POSITIVE_INFINITY, signal } = wish;
  const counts = { sent: 0, retried: 0, parked: 0 };
  const deliveries = context.metrics.histogram(DELIVERIES);
  const call: Call = { complain: createComplaints(context.onError), away: new Map(), deliveries };
  let claimed = 0;
  // Once nobody is there, the rest of a long queue would find that out one by one.
  while (call.away.size < sinks.length && claimed < limit && signal?.aborted !== true) {
    const events = await outbox.claim({ limit: Math.min(CLAIM_SIZE, limit - claimed), leaseMs: LEASE_MS });
    if (events.length === 0) break;
    const results = await Promise.allSettled(events.map((event) => relayEvent(context, event, call)));
    const endings = results.map(valueOf);
    for (const { kind } of endings) counts[ENDINGS[kind]] += 1;
    for (const sink of sinks) noteAway(call.away, sink, endings);
    claimed += events.length;
  }
  return counts;
}

const ENDINGS = { sent: 'sent', retry: 'retried', parked: 'parked' } as const;

interface Ending {
  readonly kind: DeliveryOutcome['kind'];
  readonly untold: readonly EventSink[];
  readonly failures: readonly Failure[];
}

/** Sinks that have taken nothing of a whole claim, and why: they are not asked again in this call, so that nobody waits. */
type Away = Map<EventSink, Error>;

function noteAway(away: Away, sink: EventSink, endings: readonly Ending[]): void {
  const asked = endings.filter(({ untold }) => untold.includes(sink));
  const failures = asked.flatMap((ending) => ending.failures.filter((failure) => failure.sink === sink));
  const [first] = failures;
  if (first && failures.length === asked.length && !failures.some(isRefusal)) away.set(sink, first.error);
}

/** What one call remembers. */
interface Call {
  readonly complain: Complain;
  readonly away: Away;
  readonly deliveries: Histogram;
}

type Complain = (sink: EventSink, error: unknown) => void;

/** Tells everybody who has not taken the event, and writes down what came of it. */
async function relayEvent(context: RelayContext, claimed: OutboxEvent, call: Call): Promise<Ending> {
  const { outbox, sinks, onError } = context;
  const { event, deliveredTo } = claimed;
  const untold = sinks.filter(({ name }) => !deliveredTo.includes(name));
  const failures = await tell(untold, event, { ...call, clock: context.clock });
  for (const { sink, error } of failures) call.complain(sink, error);
  const outcome = outcomeOf(claimed, untold, failures);
  await outbox.settle(event.id, outcome);
  if (outcome.kind === 'parked') {
    const what = `Event ${event.id} of node ${event.data.nodeId} is parked`;
    onError(new EventSinkError('rejected', `${what}: ${outcome.lastError}`));
  }
  return { kind: outcome.kind, untold, failures };
}

/** A sink that has not taken an event. */
interface Failure {
  readonly sink: EventSink;
  readonly error: Error;
}

async function tell(
  sinks: readonly EventSink[],
  event: UploadEvent,
  { clock, away, deliveries }: Call & { readonly clock: Clock },
): Promise<Failure[]> {
  const attempts = sinks.map(async (sink) => {
    const known = away.get(sink);
    if (known) return { sink, error: known };
    const startEpochMs = clock.nowEpochMs();
    const error = await failureOf(sink, event, clock);
    const seconds = Math.max(0, clock.nowEpochMs() - startEpochMs) / 1000;
    deliveries.observe(seconds, { sink: sink.name, outcome: deliveryLabel(error) });
    return { sink, error };
  });
  return (await Promise.all(attempts)).flatMap(({ sink, error }) => (error ? [{ sink, error }] : []));
}

/** Sent once nobody is left. Parked only if nobody is merely away: who is away shall be told first. */
function outcomeOf(
  { attempts, deliveredTo }: OutboxEvent,
  untold: readonly EventSink[],
  failures: readonly Failure[],
): DeliveryOutcome {
  if (failures.length === 0) return { kind: 'sent' };
  const failed = new Set(failures.map(({ sink }) => sink));
  const taken = untold.filter((sink) => !failed.has(sink)).map(({ name }) => name);
  const isRefused = failures.every(isRefusal);
  const isParked = isRefused && attempts + 1 >= ATTEMPTS_BEFORE_PARKING;
  return {
    kind: isParked ? 'parked' : 'retry',
    afterMs: isParked ? 0 : retryAfterMs(attempts, isRefused ? REFUSED_GROWTH : AWAY_GROWTH),
    deliveredTo: [...deliveredTo, ...taken],
    lastError: failures.map(describeFailure).join('; ').slice(0, LAST_ERROR_LENGTH),
  };
}

/** Why the sink did not take it; `undefined`: it did. */
async function failureOf(sink: EventSink, event: UploadEvent, clock: Clock): Promise<Error | undefined> {
  const answered = new AbortController();
  const timeout = async (): Promise<never> => {
    await clock.sleep(PUBLISH_TIMEOUT_MS, answered.signal);
    throw new EventSinkError('unavailable', `no answer within ${PUBLISH_TIMEOUT_MS / 1000} s`);
  };
  try {
    await Promise.race([sink.publish(event), timeout()]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error('something other than an error was thrown');
  } finally {
    answered.abort();
  }
}

function deliveryLabel(error: Error | undefined): string {
  if (!error) return 'ok';
  return error instanceof EventSinkError ? error.kind : 'unavailable';
}

function isRefusal({ error }: Failure): boolean {
  return error instanceof EventSinkError && error.kind === 'rejected';
}

/** Only an error made for the purpose is known to hold nothing that has no business in a database. */
function describeFailure({ sink, error }: Failure): string {
  return `${sink.name}: ${error instanceof EventSinkError ? error.message : error.name}`;
}

function retryAfterMs(attempts: number, growth: number): number {
  return Math.min(FIRST_RETRY_MS * growth ** attempts, LAST_RETRY_MS);
}

/** Tells of each sink's first failure; a broker that is away fails a thousand times for one reason. */
function createComplaints(onError: RelayContext['onError']): Complain {
  const told = new Set<string>();
  return (sink, error) => {
    if (told.has(sink.name)) return;
    told.add(sink.name);
    onError(error);
  };
}

function valueOf<Value>(result: PromiseSettledResult<Value>): Value {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
