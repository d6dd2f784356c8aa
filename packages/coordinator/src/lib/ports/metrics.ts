/**
 * Where figures go. Each combination of labels is a series that is kept for good, so values of labels come from small
 * fixed sets: never an id, an owner, or what a client has written.
 *
 * Asked twice for one name, it answers the same figure: several coordinators of a process may share one `Metrics`.
 * Nothing here throws for what is counted, and nothing waits.
 */
export interface Metrics {
  /** Something that only grows. */
  counter(definition: MetricDefinition): Counter;
  /** How values are spread. */
  histogram(definition: HistogramDefinition): Histogram;
  /** Something that goes up and down, read when somebody looks. What `read` throws is its own business to report. */
  gauge(definition: MetricDefinition, read: () => Promise<readonly Sample[]>): void;
}

/** A figure's name and meaning. */
export interface MetricDefinition {
  /** As Prometheus writes it, unit included: `longhaul_http_request_duration_seconds`. */
  readonly name: string;
  /** One sentence for who reads the figures. */
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** A figure's name, meaning and steps. */
export interface HistogramDefinition extends MetricDefinition {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** Names and values of labels; all of the definition's. */
export type MetricLabels = Readonly<Record<string, string>>;

/** See {@link Metrics.counter}. */
export interface Counter {
  /** Grows by `amount`, 0 or more. */
  add(amount: number, labels: MetricLabels): void;
}

/** See {@link Metrics.histogram}. */
export interface Histogram {
  /** Counts a value, in the unit that the name says. */
  observe(value: number, labels: MetricLabels): void;
}

/** A value of a gauge. */
export interface Sample {
  readonly value: number;
  readonly labels: MetricLabels;
}

/** Counts nothing. */
export const noMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
  gauge: () => undefined,
};
