/**
 * Starts services for work by hand: `node tests/services/start.ts [names…]` (default: all of them).
 *
 * Prints one `export VARIABLE='…'` line per address on stdout, everything else on stderr, and stays until Ctrl-C,
 * which stops the services and removes their data. In a second terminal:
 *
 *     node tests/services/start.ts redis postgres > /tmp/services.env &
 *     . /tmp/services.env && npx vitest run --project services
 */
import { once } from 'node:events';
import { ALL_SERVICES } from './all-services.ts';
import { createLog } from './progress.ts';
import { Interrupted, withServices, type RunningServices } from './run-services.ts';
import type { Service } from './service.ts';

const log = createLog();

function chooseServices(names: readonly string[]): readonly Service[] {
  if (names.length === 0) return ALL_SERVICES;
  return names.map((name) => {
    const service = ALL_SERVICES.find((each) => each.name === name);
    if (service !== undefined) return service;
    throw new Error(`no service ${name}; there are: ${ALL_SERVICES.map((each) => each.name).join(', ')}`);
  });
}

async function stay({ env, signal }: RunningServices): Promise<void> {
  for (const [name, value] of Object.entries(env)) process.stdout.write(`export ${name}='${value}'\n`);
  log('services', 'running until Ctrl-C');
  // Only a listener on a signal would let the process end by itself.
  const awake = setInterval(() => undefined, 60_000);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(awake);
}

try {
  await withServices(chooseServices(process.argv.slice(2)), log, stay);
} catch (error) {
  if (!(error instanceof Interrupted))
    log('services', error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
}
