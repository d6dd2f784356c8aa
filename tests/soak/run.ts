/** `pnpm soak`: see HELP. Every other file of this folder is a soak: it exports its `name` and `run`. */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ALL_SERVICES } from '../services/all-services.ts';
import { createLog } from '../services/progress.ts';
import { Interrupted, type RunningServices, withServices } from '../services/run-services.ts';
import { RUNTIMES } from '../services/runtimes.ts';
import type { SoakOptions, SoakReport } from './support/soak.ts';

const HELP = `Goes on for hours with what the tests only begin, on real servers that it starts and stops.

  npx --yes pnpm@12 soak [NAME…] [--seconds N] [--seed S] [--reduced] [--json]

  NAME…        only these soaks; default all of them, one after the other
  --seconds N  how long each one begins new rounds; default 3600. At least one round of each is made
  --seed S     chance, to begin as another run did; default a new one
  --reduced    20 seconds each, as CI does, of those of which a round takes no longer
  --json       one JSON object as the last line of stdout

Exit status: 0 all went well; 1 something failed, or CI=true and a server is missing; 130 after Ctrl-C.
`;

const DEFAULT_SECONDS = 3600;
const REDUCED_SECONDS = 20;

/** What only tests start. */
const PROGRAMS: ReadonlySet<string> = new Set(['chromium', ...RUNTIMES.map(({ name }) => name)]);

/** What a file of this folder exports. */
interface Soak {
  readonly name: string;
  /** Asked for less it is left out, unless it is named. */
  readonly leastSeconds?: number;
  run(options: SoakOptions): Promise<SoakReport>;
}

const log = createLog();

async function soak(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      reduced: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const seconds = Number(values.seconds ?? (values.reduced ? REDUCED_SECONDS : DEFAULT_SECONDS));
  if (!(seconds >= 0)) throw new TypeError(`--seconds takes a number, not ${values.seconds}`);
  const seed = values.seed ?? randomUUID();
  const services = ALL_SERVICES.filter(({ name }) => !PROGRAMS.has(name));
  const reports = await withServices(services, log, (running) =>
    runAll({ names: positionals, seconds, seed }, running),
  );
  const failures = Object.values(reports).flatMap((report) => report.failures);
  for (const failure of failures) log('soak', `FAILED ${failure}`);
  if (values.json) process.stdout.write(`${JSON.stringify({ seconds, seed, soaks: reports })}\n`);
  return failures.length > 0 ? 1 : 0;
}

async function runAll(
  wish: { readonly names: readonly string[]; readonly seconds: number; readonly seed: string },
  { env, reports: services, signal }: RunningServices,
): Promise<Record<string, Awaited<ReturnType<Soak['run']>>>> {
  // Before a soak is loaded: some look at the addresses at once.
  Object.assign(process.env, env);
  const reports: Record<string, Awaited<ReturnType<Soak['run']>>> = {};
  const missing = services
    .filter(({ state }) => state === 'unavailable')
    .map(({ name }) => `${name} is missing`);
  if (process.env['CI'] === 'true' && missing.length > 0)
    reports['servers'] = { rounds: 0, failures: missing };
  for (const { name, leastSeconds = 0, run } of await loadSoaks(wish.names)) {
    signal.throwIfAborted();
    if (wish.names.length === 0 && wish.seconds < leastSeconds) {
      log(name, `left out: a round takes up to ${leastSeconds} s`);
      continue;
    }
    log(name, `seed ${wish.seed}, ${wish.seconds} s`);
    reports[name] = await Promise.race([
      run({ seconds: wish.seconds, seed: wish.seed, log: (line) => log(name, line) }),
      untilAborted(signal),
    ]);
    log(name, `${reports[name].rounds} rounds, ${reports[name].failures.length} failures`);
  }
  return reports;
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );
}

async function loadSoaks(names: readonly string[]): Promise<readonly Soak[]> {
  const files = (await readdir(import.meta.dirname)).filter(
    (file) => file.endsWith('.ts') && file !== basename(import.meta.filename),
  );
  const soaks = await Promise.all(
    files
      .toSorted()
      .map(async (file) => (await import(pathToFileURL(join(import.meta.dirname, file)).href)) as Soak),
  );
  const unknown = names.find((name) => soaks.every((each) => each.name !== name));
  if (unknown === undefined)
    return names.length === 0 ? soaks : soaks.filter(({ name }) => names.includes(name));
  throw new TypeError(`there is no soak ${unknown}; there are: ${soaks.map(({ name }) => name).join(', ')}`);
}

try {
  process.exitCode = await soak(process.argv.slice(2));
} catch (error) {
  process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
  log('soak', error instanceof Error ? (error.stack ?? error.message) : String(error));
  // What a soak has under way would go on.
  process.exit();
}
