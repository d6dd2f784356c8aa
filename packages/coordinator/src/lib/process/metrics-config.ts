import { isLoopbackHost } from '../http/origins.ts';
import type { Secret } from '../secret.ts';
import type { EnvReader } from './env-reader.ts';

/** Where Prometheus finds the figures: a listener of its own, so that a proxy before the coordinator never shows it. */
export interface MetricsConfig {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** What a scrape must bring as a bearer token. */
  readonly token: Secret | undefined;
}

/** Shorter ones could be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** Variables of the figures and what they mean, for `--help`. */
export const METRICS_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  [
    'LONGHAUL_METRICS_PORT',
    'port of /metrics, for Prometheus; default: no figures. Needs the package prom-client',
  ],
  ['LONGHAUL_METRICS_HOST', 'address of /metrics; default 127.0.0.1. Others need LONGHAUL_METRICS_TOKEN'],
  [
    'LONGHAUL_METRICS_TOKEN',
    `bearer token that a scrape must bring, at least ${MIN_TOKEN_LENGTH} characters`,
  ],
];

/** Reads where the figures are shown; `undefined`: nowhere. */
export function readMetrics(reader: EnvReader): MetricsConfig | undefined {
  const port = reader.text('LONGHAUL_METRICS_PORT');
  const host = (reader.text('LONGHAUL_METRICS_HOST') ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1');
  const token = reader.secret('LONGHAUL_METRICS_TOKEN');
  if (token !== undefined && token.reveal().length < MIN_TOKEN_LENGTH)
    reader.problems.push(`LONGHAUL_METRICS_TOKEN must have at least ${MIN_TOKEN_LENGTH} characters`);
  if (token === undefined && !isLoopbackHost(host))
    reader.problems.push(`LONGHAUL_METRICS_TOKEN is required with LONGHAUL_METRICS_HOST=${host}`);
  if (port === undefined) return undefined;
  return { host, port: reader.integer('LONGHAUL_METRICS_PORT', 0, [0, 65_535]), token };
}
