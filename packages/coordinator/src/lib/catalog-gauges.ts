import type { Catalog } from './ports/catalog.ts';
import type { Clock } from './ports/clock.ts';
import type { MetricDefinition, Metrics, Sample } from './ports/metrics.ts';

/** Scrapes that come together, or often, ask the database once. */
const CACHED_FOR_MS = 10_000;

/** A scrape waits no longer; by itself Prometheus gives up after 10 s. */
const ANSWER_WITHIN_MS = 5_000;

/** What {@link addCatalogGauges} reads, and whom it tells when it cannot. */
export interface GaugeSource {
  readonly catalog: Pick<Catalog, 'openUploads' | 'outbox' | 'rotations'>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Asks, and holds the answer for a while; `undefined` where there is none. */
type Held = <Value>(ask: () => Promise<Value>) => () => Promise<Value | undefined>;

/** Figures that the catalog knows, for all replicas together. While it is away they are missing, not zero. */
export function addCatalogGauges(metrics: Metrics, { catalog, clock, onError }: GaugeSource): void {
  const held: Held = (ask) =>
    cachedFor(CACHED_FOR_MS, clock, () =>
      Promise.race([ask(), timeOut(clock)]).catch((error: unknown) => {
        onError(error);
        return undefined;
      }),
    );
  addUploadGauges(
    metrics,
    held(() => catalog.openUploads()),
  );
  addRotationGauges(
    metrics,
    held(() => catalog.rotations.countOpen()),
  );
  addOutboxGauges(
    metrics,
    held(() => catalog.outbox.status()),
  );
}

type AnswerOf<Ask extends () => Promise<unknown>> = () => Promise<Awaited<ReturnType<Ask>> | undefined>;

function addUploadGauges(metrics: Metrics, uploads: AnswerOf<Catalog['openUploads']>): void {
  metrics.gauge(
    {
      name: 'longhaul_uploads_open',
      help: 'Uploads that are neither complete nor ended, by state, in the whole catalog.',
      labelNames: ['state'],
    },
    async () => samplesOf((await uploads())?.counts),
  );
  addFigure(
    metrics,
    {
      name: 'longhaul_uploads_unresolved_seconds',
      help: 'How long the oldest completion is under way without a known end; 0 without one.',
    },
    async () => ageIn(await uploads(), 'oldestCompletingAgeMs'),
  );
}

function addRotationGauges(metrics: Metrics, rotations: AnswerOf<Catalog['rotations']['countOpen']>): void {
  metrics.gauge(
    {
      name: 'longhaul_rotations_open',
      help: 'Rotations that are not at an end, by state, in the whole catalog.',
      labelNames: ['state'],
    },
    async () => samplesOf((await rotations())?.counts),
  );
  addFigure(
    metrics,
    {
      name: 'longhaul_rotations_unresolved_seconds',
      help: 'How long the oldest rotation is going on; 0 without one.',
    },
    async () => ageIn(await rotations(), 'oldestAgeMs'),
  );
}

function addOutboxGauges(metrics: Metrics, outbox: AnswerOf<Catalog['outbox']['status']>): void {
  addFigure(
    metrics,
    { name: 'longhaul_outbox_unsent', help: 'Events that nobody was told of yet, parked ones among them.' },
    async () => (await outbox())?.unsentCount,
  );
  addFigure(
    metrics,
    { name: 'longhaul_outbox_parked', help: 'Events that a sink has refused for good.' },
    async () => (await outbox())?.parkedCount,
  );
  addFigure(
    metrics,
    {
      name: 'longhaul_outbox_lag_seconds',
      help: 'Age of the oldest event that nobody was told of yet; 0 without one.',
    },
    async () => ageIn(await outbox(), 'oldestUnsentAgeMs'),
  );
}

/** A gauge of one figure; missing where that is not known. */
function addFigure(
  metrics: Metrics,
  definition: Omit<MetricDefinition, 'labelNames'>,
  read: () => Promise<number | undefined>,
): void {
  metrics.gauge({ ...definition, labelNames: [] }, async () => {
    const value = await read();
    return value === undefined ? [] : [{ value, labels: {} }];
  });
}

function samplesOf(counts: Readonly<Record<string, number>> = {}): readonly Sample[] {
  return Object.entries(counts).map(([state, value]) => ({ value, labels: { state } }));
}

async function timeOut(clock: Clock): Promise<undefined> {
  await clock.sleep(ANSWER_WITHIN_MS);
  return undefined;
}

/** Seconds; 0 where there is nothing that could be old. */
function ageIn<Name extends string>(
  answer: { readonly [name in Name]?: number } | undefined,
  name: Name,
): number | undefined {
  return answer && (answer[name] ?? 0) / 1000;
}

function cachedFor<Value>(lifeMs: number, clock: Clock, ask: () => Promise<Value>): () => Promise<Value> {
  let held: { readonly value: Promise<Value>; readonly diesAtEpochMs: number } | undefined;
  return () => {
    const now = clock.nowEpochMs();
    if (!held || held.diesAtEpochMs <= now) held = { value: ask(), diesAtEpochMs: now + lifeMs };
    return held.value;
  };
}
