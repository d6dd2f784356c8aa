import type { PrometheusMetrics } from '../../src/prometheus.ts';

/** Every sample of a scrape, by name and labels as they are written: `name{label="value"}`. */
export async function scrape(metrics: PrometheusMetrics): Promise<ReadonlyMap<string, number>> {
  const text = await (await metrics.respond()).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}
