import { parseArgs } from 'node:util';
import { checkArrows } from './check/arrows.ts';
import { checkBundles } from './check/bundles.ts';
import { CheckFailure, mustRun } from './check/command.ts';
import { checkDocs } from './check/docs.ts';
import { checkInstall } from './check/install.ts';
import { cleanUpWhenStopped } from './check/leave-nothing.ts';
import { checkBuild, checkPackages } from './check/packages.ts';
import { checkTypes, checkTypeTests } from './check/types.ts';

interface Check {
  readonly name: string;
  readonly summary: string;
  readonly run: () => Promise<unknown>;
}

interface Verdict {
  readonly name: string;
  readonly seconds: number;
  /** Nothing: the check holds. */
  readonly failure?: string;
}

// What reads the sources, and what reads the build: two lanes that do not meet.
const SOURCE_CHECKS: readonly Check[] = [
  { name: 'types', summary: 'every tsconfig compiles, every source file belongs to one', run: checkTypes },
  { name: 'type-tests', summary: 'each public package has tests of its types', run: checkTypeTests },
  {
    name: 'lint',
    summary: 'oxlint with types: no any, no default export, no floating promise, sizes within limits',
    run: () => mustRun('oxlint', ['--type-aware', '--deny-warnings', '--report-unused-disable-directives']),
  },
  { name: 'format', summary: 'oxfmt would change nothing', run: () => mustRun('oxfmt', ['--check', '.']) },
  { name: 'arrows', summary: 'imports follow ARCHITECTURE.md, without circles', run: checkArrows },
  { name: 'docs', summary: 'every public export has a doc comment', run: checkDocs },
  {
    name: 'unused',
    summary: 'knip finds no unused file, export or dependency',
    run: () => mustRun('knip', []),
  },
];

const BUILD: Check = { name: 'build', summary: 'every package builds', run: checkBuild };

const BUILD_CHECKS: readonly Check[] = [
  { name: 'packages', summary: 'publint and attw accept what would be published', run: checkPackages },
  {
    name: 'bundles',
    summary: 'the browser bundle keeps its size and its distance from Node',
    run: checkBundles,
  },
  { name: 'install', summary: 'the packages install, import, run and compile elsewhere', run: checkInstall },
];

const HELP = `Usage: check [--only NAME]...

Runs every check that the repository must pass, and prints a table. Exit status 1 if one fails.

  --only NAME   run this check only; may be repeated
  --help        print this

Checks:
${[...SOURCE_CHECKS, BUILD, ...BUILD_CHECKS].map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join('\n')}
`;

cleanUpWhenStopped();
process.exitCode = await main();

async function main(): Promise<number> {
  const { help, only, mistake } = readArguments();
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (mistake !== undefined) {
    process.stderr.write(`${mistake}\n`);
    return 2;
  }
  const wanted = ({ name }: Check): boolean => only.length === 0 || only.includes(name);
  const lanes = [
    runLane(SOURCE_CHECKS.filter(wanted)),
    runBuildLane(BUILD_CHECKS.filter(wanted), wanted(BUILD)),
  ];
  const verdicts = (await Promise.all(lanes)).flat();
  report(verdicts);
  return verdicts.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

interface Arguments {
  readonly help: boolean;
  readonly only: readonly string[];
  readonly mistake?: string;
}

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string', multiple: true }, help: { type: 'boolean', default: false } },
    });
    const { help, only = [] } = values;
    const known = [...SOURCE_CHECKS, BUILD, ...BUILD_CHECKS].map(({ name }) => name);
    const unknown = only.filter((name) => !known.includes(name));
    if (unknown.length === 0) return { help, only };
    return { help, only, mistake: `No such check: ${unknown.join(', ')}. There are: ${known.join(', ')}.` };
  } catch (error) {
    return { help: false, only: [], mistake: error instanceof Error ? error.message : String(error) };
  }
}

async function runLane(checks: readonly Check[]): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const check of checks) verdicts.push(await judge(check));
  return verdicts;
}

/** Whoever reads the build gets a fresh one, or none: an old one would prove nothing. */
async function runBuildLane(checks: readonly Check[], buildWanted: boolean): Promise<readonly Verdict[]> {
  if (checks.length === 0 && !buildWanted) return [];
  const built = await judge(BUILD);
  if (built.failure === undefined) return [built, ...(await runLane(checks))];
  return [built, ...checks.map(({ name }) => ({ name, seconds: 0, failure: 'The build failed.' }))];
}

async function judge({ name, run }: Check): Promise<Verdict> {
  const startedMs = performance.now();
  const failure = await run().then(() => undefined, describeFailure);
  const seconds = (performance.now() - startedMs) / 1000;
  if (process.stderr.isTTY) process.stderr.write(`${name} ${failure === undefined ? 'ok' : 'FAILED'}\n`);
  return failure === undefined ? { name, seconds } : { name, seconds, failure };
}

function describeFailure(error: unknown): string {
  if (error instanceof CheckFailure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function report(verdicts: readonly Verdict[]): void {
  for (const { name, failure } of verdicts) {
    if (failure !== undefined) process.stdout.write(`\n── ${name} ──\n${failure}\n`);
  }
  process.stdout.write('\n');
  for (const { name, failure, seconds } of verdicts) {
    const outcome = failure === undefined ? 'ok' : 'FAILED';
    process.stdout.write(`${name.padEnd(12)}${outcome.padEnd(8)}${seconds.toFixed(1).padStart(6)} s\n`);
  }
}
