import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HistogramDefinition, MetricDefinition, Metrics, Sample } from '../../ports/metrics.ts';

/** Options of {@link createPrometheusMetrics}. */
export interface PrometheusMetricsOptions {
  /** A registry of `prom-client` that other figures stand in, too. Default: one of its own. */
  readonly registry?: Registry;
}

/** Figures that Prometheus can read. */
export interface PrometheusMetrics extends Metrics {
  /** An answer to a scrape: every figure in Prometheus' text format. */
  respond(): Promise<Response>;
}

/**
 * Figures of coordinators for Prometheus. Give it to `createCoordinator` as `metrics`, and mount `respond` where your
 * Prometheus reaches it and the world does not: the figures tell how much you store, and where it fails.
 *
 * @example
 * import { createPrometheusMetrics } from '@longhaul/coordinator/prometheus';
 * const metrics = createPrometheusMetrics();
 * const app = createCoordinator({ ...store, objectStore, tokenKeys, metrics });
 * internal.get('/metrics', () => metrics.respond());
 */
export function createPrometheusMetrics({
  registry = new Registry(),
}: PrometheusMetricsOptions = {}): PrometheusMetrics {
  const readers = new Map<string, (() => Promise<readonly Sample[]>)[]>();
  return {
    counter: (definition) => {
      const counter = known(registry, definition, Counter) ?? new Counter(configOf(registry, definition));
      return { add: (amount, labels) => counter.inc({ ...labels }, amount) };
    },
    histogram: (definition) => {
      const histogram =
        known(registry, definition, Histogram) ?? new Histogram(configOf(registry, definition));
      return { observe: (value, labels) => histogram.observe({ ...labels }, value) };
    },
    gauge: (definition, read) => {
      const others = readers.get(definition.name);
      if (others) return void others.push(read);
      const all = [read];
      readers.set(definition.name, all);
      const gauge: Gauge = new Gauge({
        ...configOf(registry, definition),
        collect: async () => {
          const samples = (await Promise.all(all.map((one) => one()))).flat();
          // What nobody tells any more must not stand there as if somebody did.
          gauge.reset();
          if (definition.labelNames.length === 0) gauge.remove();
          for (const { labels, value } of samples) gauge.set({ ...labels }, value);
        },
      });
    },
    async respond() {
      return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } });
    },
  };
}

function known<Kind>(
  registry: Registry,
  { name }: MetricDefinition,
  kind: abstract new (...given: never[]) => Kind,
): Kind | undefined {
  const metric: unknown = registry.getSingleMetric(name);
  return metric instanceof kind ? metric : undefined;
}

function configOf(registry: Registry, definition: MetricDefinition | HistogramDefinition) {
  return {
    name: definition.name,
    help: definition.help,
    labelNames: [...definition.labelNames],
    registers: [registry],
    ...('buckets' in definition && { buckets: [...definition.buckets] }),
  };
}
