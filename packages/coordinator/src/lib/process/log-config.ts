import type { EnvReader } from './env-reader.ts';
import { LOG_FORMATS, LOG_LEVELS, type LogOptions } from './log.ts';

/** What `serve` logs, and how. */
export type LogConfig = Pick<LogOptions, 'format' | 'level'>;

/** Variables of the log and what they mean, for `--help`. */
export const LOG_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['LONGHAUL_LOG_FORMAT', `how serve logs on stderr, ${LOG_FORMATS.join(' or ')}; default json`],
  ['LONGHAUL_LOG_LEVEL', `least importance of its lines: ${LOG_LEVELS.join(', ')}; default info`],
];

/** Reads what is logged, and how. */
export function readLog(reader: EnvReader): LogConfig {
  const format = reader.choice('LONGHAUL_LOG_FORMAT', 'json', LOG_FORMATS);
  const level = reader.choice('LONGHAUL_LOG_LEVEL', 'info', LOG_LEVELS);
  return {
    format: LOG_FORMATS.find((one) => one === format) ?? 'json',
    level: LOG_LEVELS.find((one) => one === level) ?? 'info',
  };
}
