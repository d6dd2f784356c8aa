export {
  createPrometheusMetrics,
  type PrometheusMetrics,
  type PrometheusMetricsOptions,
} from './lib/adapters/prometheus/prometheus-metrics.ts';
