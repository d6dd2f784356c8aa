/** `pnpm simulate`: see HELP. */
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.ts';
import { runSchedule } from './run-schedule.ts';
import { createSum, isGood, missedIn, SCHEDULES_THAT_HIT_ALL, type Sum, type Summary } from './summary.ts';
import type { WorkerReport } from './worker.ts';
import { startWorkers, type Workers } from './workers.ts';

const HELP = `Runs the coordinator and the SDK in a simulated world where anything may fail, and checks what is left.

  npx --yes pnpm@12 simulate [--seeds N] [--from S] [--mutants] [--json]
  npx --yes pnpm@12 simulate --seed S

  --seeds N    schedules to run, seeds 1 to N; default 1000. From ${SCHEDULES_THAT_HIT_ALL} on, every branch, fault and
               kill point has to be hit, and the mutants run too
  --from S     first seed; default 1
  --seed S     run this one and print everything that happens in it
  --mutants    only take away one protection after the other; each has to be missed
  --json       one JSON object as the last line on stdout
  --help       this text

Exit status: 0 nothing is wrong; 1 something is; 2 the command line is.
`;

interface Wish {
  readonly seeds: number;
  readonly from: number;
  readonly seed: number | undefined;
  readonly mutantsOnly: boolean;
  readonly json: boolean;
}

/** So many that everything which can happen has to. */
function hitsAll(schedules: number): boolean {
  return schedules >= SCHEDULES_THAT_HIT_ALL;
}

const SEEDS_AT_ONCE = 10;
/** Seeds in which each mutant has to be killed. */
const MUTANT_SEEDS = 400;

function parseWish(args: readonly string[]): Wish | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    seeds: wholeNumber('--seeds', values.seeds),
    from: wholeNumber('--from', values.from),
    seed: values.seed === undefined ? undefined : wholeNumber('--seed', values.seed),
    mutantsOnly: values.mutants,
    json: values.json,
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && text.trim() !== '') return value;
  throw new TypeError(`${name} must be a whole number, got "${text}"`);
}

async function main(args: readonly string[]): Promise<number> {
  let wish: Wish | 'help';
  try {
    wish = parseWish(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (wish === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  return wish.seed === undefined ? await runAll(wish) : await replay(wish.seed);
}

/** One seed, told in full. */
async function replay(seed: number): Promise<number> {
  const { trace, violations, hash } = await runSchedule({ seed, keepTrace: true });
  process.stdout.write(`${trace.join('\n')}\n\n`);
  for (const violation of violations) process.stdout.write(`VIOLATION: ${violation}\n`);
  process.stdout.write(`seed ${seed}: ${violations.length} violations, trace ${hash}\n`);
  return violations.length === 0 ? 0 : 1;
}

async function runAll(wish: Wish): Promise<number> {
  const startedMs = performance.now();
  const workers = startWorkers();
  const sum = createSum();
  try {
    if (!wish.mutantsOnly) await runSeeds(workers, wish, sum);
    const mutants = wish.mutantsOnly || hitsAll(wish.seeds) ? await killMutants(workers) : {};
    const summary = sum.summary(mutants, (performance.now() - startedMs) / 1000);
    tell(summary);
    if (wish.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    return isGood(summary) ? 0 : 1;
  } finally {
    await workers.close();
  }
}

async function runSeeds(workers: Workers, { seeds, from }: Wish, sum: Sum): Promise<void> {
  let done = 0;
  const batches = Array.from({ length: Math.ceil(seeds / SEEDS_AT_ONCE) }, (_, index) => ({
    fromSeed: from + index * SEEDS_AT_ONCE,
    seedCount: Math.min(SEEDS_AT_ONCE, seeds - index * SEEDS_AT_ONCE),
  }));
  await Promise.all(
    batches.map(async (batch) => {
      const reports = await workers.run(batch);
      sum.add(reports);
      for (const report of reports) complain(report);
      showProgress((done += reports.length), seeds);
    }),
  );
}

async function killMutants(workers: Workers): Promise<Summary['mutants']> {
  const killed = await Promise.all(
    MUTANTS.map(async ({ name }) => {
      const reports = await workers.run({ fromSeed: 1, seedCount: MUTANT_SEEDS, mutant: name });
      const last = reports.at(-1);
      return [name, last && last.violations.length > 0 ? last.seed : null] as const;
    }),
  );
  return Object.fromEntries(killed);
}

function complain({ seed, violations }: WorkerReport): void {
  for (const violation of violations) process.stderr.write(`\rseed ${seed}: ${violation}\n`);
  if (violations.length > 0) process.stderr.write(`  again: npx --yes pnpm@12 simulate --seed ${seed}\n`);
}

const BAR_WIDTH = 40;

function showProgress(done: number, all: number): void {
  if (!process.stderr.isTTY) return;
  const full = Math.round((done / all) * BAR_WIDTH);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
  process.stderr.write(`\r${bar} ${done} of ${all} schedules${done === all ? '\n' : ''}`);
}

function tell(summary: Summary): void {
  const lines = [
    `${summary.schedules} schedules, ${summary.violations} violations, ${summary.seconds} s`,
    `medians: ${summary.medianActors} actors, ${summary.medianFaults} faults, ${summary.medianCrashes} crashes`,
    ...Object.entries(summary.mutants).map(([name, seed]) =>
      seed === null ? `mutant LIVES: ${name}` : `mutant killed by seed ${seed}: ${name}`,
    ),
    ...(hitsAll(summary.schedules) ? missedIn(summary).map((name) => `never hit: ${name}`) : []),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}

process.exitCode = await main(process.argv.slice(2));
