import { styleText } from 'node:util';

/** Prints one line about one subject on stderr, with the seconds since the start. */
export type Log = (subject: string, text: string) => void;

/** Starts the clock. stdout stays free for results. */
export function createLog(): Log {
  const startedAt = performance.now();
  return (subject, text) => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
    const time = styleText('dim', `[${seconds} s]`, { stream: process.stderr });
    process.stderr.write(`${time} ${subject}: ${text}\n`);
  };
}
