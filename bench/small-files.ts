// Many small files from Node: Longhaul against the AWS SDK (PutObject, lib-storage), in alternation, each run in a
// fresh process.
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import type { Cost } from './node-upload/measure.ts';
import { firstLine } from './measuring/first-line.ts';

const HELP = `Uploads many small files from Node with Longhaul (through its coordinator) and with the AWS SDK (PutObject, and
lib-storage's Upload), in alternation, to local-s3, and prints the ratios and the number of calls.

Usage
  npx --yes pnpm@12 bench small-files [--sets 1000x10KiB,200x1MiB] [--rounds 3] [--concurrency 8] [--latency-ms 0] [--json]

  --sets         number and size of the files, KiB or MiB
  --concurrency  PUTs at once, for each client
  --latency-ms   what every call of a client to the coordinator or the store waits, as on a long line

Longhaul proves each object (write token, size) and remembers it; the AWS SDK has its answer. Checksums as each has them by default.
`;
const BUILD_FOLDER = join(import.meta.dirname, '../.longhaul/bench/small-files');
const CLIENTS = ['longhaul', 'PutObject', 'lib-storage'] as const;
type Client = (typeof CLIENTS)[number];

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: '1000x10KiB,200x1MiB' },
    rounds: { type: 'string', default: '3' },
    concurrency: { type: 'string', default: '8' },
    'latency-ms': { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

/** What one client was measured at with one set of files. */
interface Row {
  readonly set: string;
  readonly client: Client;
  readonly filesPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
  /** Calls of the client, of the last round. */
  readonly coordinatorCalls: number;
  readonly storeCalls: number;
}

interface Run extends Cost {
  readonly coordinator: number;
  readonly store: number;
}

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  try {
    await buildClients();
    const rows: Row[] = [];
    for (const set of values.sets.split(',')) rows.push(...(await runSet(set, folder)));
    print(rows);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function runSet(set: string, folder: string): Promise<Row[]> {
  const [, count = '', size = '', unit] = /^(\d+)x(\d+)([KM])iB$/.exec(set) ?? [];
  if (!count) throw new TypeError(`--sets: write it like 1000x10KiB, got "${set}"`);
  const files = join(folder, set);
  await makeFiles(files, Number(count), Number(size) * (unit === 'K' ? 1024 : 1024 ** 2));
  const backend = fork(
    join(import.meta.dirname, 'small-files/backend.ts'),
    [join(folder, `${set}-backend`), values['latency-ms']],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  );
  try {
    const address = await firstLine(backend);
    const runs: Record<Client, Run[]> = { longhaul: [], PutObject: [], 'lib-storage': [] };
    for (let round = 1; round <= Number(values.rounds); round++) {
      for (const client of CLIENTS) {
        const cost = await runClient(client, files, address);
        runs[client].push({ ...cost, ...(await takeCounts(backend)) });
        process.stderr.write(`${set}, round ${round}, ${client}: ${cost.seconds.toFixed(2)} s\n`);
      }
    }
    return CLIENTS.map((client) => rowOf(set, client, Number(count), runs[client]));
  } finally {
    backend.kill();
    await once(backend, 'exit');
  }
}

function rowOf(set: string, client: Client, count: number, runs: readonly Run[]): Row {
  return {
    set,
    client,
    filesPerSecond: count / median(runs.map((run) => run.seconds)),
    cpuSeconds: median(runs.map((run) => run.cpuSeconds)),
    peakRssMiB: median(runs.map((run) => run.peakRssMiB)),
    coordinatorCalls: runs.at(-1)?.coordinator ?? 0,
    storeCalls: runs.at(-1)?.store ?? 0,
  };
}

/** Random bytes, another file each. They are in the page cache for everybody. */
async function makeFiles(folder: string, count: number, sizeBytes: number): Promise<void> {
  await mkdir(folder);
  const bytes = Buffer.alloc(sizeBytes);
  for (let index = 0; index < count; index++) {
    crypto.getRandomValues(bytes.subarray(0, Math.min(sizeBytes, 65_536)));
    await writeFile(join(folder, `${index}.bin`), bytes);
  }
}

/** JavaScript, as users run it. */
async function buildClients(): Promise<void> {
  await build({
    entryPoints: ['longhaul', 'aws-sdk'].map((name) => join(import.meta.dirname, `small-files/${name}.ts`)),
    outdir: BUILD_FOLDER,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@aws-sdk/*'],
  });
}

async function runClient(client: Client, files: string, backend: string): Promise<Cost> {
  const script = join(BUILD_FOLDER, `${client === 'longhaul' ? client : 'aws-sdk'}.mjs`);
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    files,
    backend,
    values.concurrency,
    client,
  ]);
  return JSON.parse(stdout) as Cost;
}

async function takeCounts(backend: ChildProcess): Promise<{ coordinator: number; store: number }> {
  const answer = once(backend, 'message');
  backend.send('counts');
  const [counts] = (await answer) as [{ coordinator: number; store: number }];
  return counts;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function print(rows: readonly Row[]): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  console.log(
    `\n${values.concurrency} PUTs at once, every call ${values['latency-ms']} ms late, median of ${values.rounds}\n`,
  );
  console.log(
    'files        client       files/s   CPU s   peak RSS MiB   coordinator calls   store calls   Longhaul against it',
  );
  for (const row of rows) {
    const longhaul = rows.find(({ set, client }) => set === row.set && client === 'longhaul');
    const ratio = (longhaul?.filesPerSecond ?? Number.NaN) / row.filesPerSecond;
    const cells = [
      row.filesPerSecond.toFixed(0).padStart(7),
      row.cpuSeconds.toFixed(2).padStart(5),
      row.peakRssMiB.toFixed(0).padStart(12),
      String(row.coordinatorCalls).padStart(17),
      String(row.storeCalls).padStart(11),
    ];
    console.log(`${row.set.padEnd(13)}${row.client.padEnd(13)}${cells.join('   ')}   ${ratio.toFixed(2)}×`);
  }
}
