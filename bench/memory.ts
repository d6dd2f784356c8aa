// Memory of one upload: the longhaul command against @aws-sdk/lib-storage, from a file and from a pipe.
import { execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { build } from 'esbuild';
import { watchMemory } from './memory/watch-memory.ts';
import { buildNodeClients, nodeClientScript } from './node-upload/build-clients.ts';
import { firstLine } from './measuring/first-line.ts';

const HELP = `Uploads a large sparse file, and a long input from a pipe, with the longhaul command as it is and with
@aws-sdk/lib-storage, and prints the most memory (VmHWM) that the uploading process had. Linux only.

Usage
  npx --yes pnpm@12 bench memory [--file-gib 20] [--pipe-gib 4] [--part-size-mib 16] [--concurrency 8] [--no-peer] [--json]

The store is a sink in another process: it reads every byte, keeps none, and proves the size that has arrived. To stay
below: 100 MiB for a file; for a pipe 60 MiB and what its parts in flight take (--concurrency × --part-size-mib).
lib-storage has the same part size and concurrency. Memory says nothing of speed: seconds are printed for orientation.
`;
const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const CLI_SCRIPT = join(import.meta.dirname, '../.longhaul/bench/longhaul-cli.mjs');

const { values } = parseArgs({
  options: {
    'file-gib': { type: 'string', default: '20' },
    'pipe-gib': { type: 'string', default: '4' },
    'part-size-mib': { type: 'string', default: '16' },
    concurrency: { type: 'string', default: '8' },
    'no-peer': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

interface Row {
  readonly source: 'file' | 'pipe';
  readonly client: 'longhaul' | 'lib-storage';
  readonly sizeBytes: number;
  readonly peakRssMiB: number;
  /** What is promised; of Longhaul only. */
  readonly limitMiB: number | null;
  readonly seconds: number;
}

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  const backend = fork(join(import.meta.dirname, 'node-upload/backend.ts'), ['sink'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  try {
    await buildClients();
    const address = await firstLine(backend);
    const rows: Row[] = [];
    for (const source of ['file', 'pipe'] as const) {
      for (const client of ['longhaul', 'lib-storage'] as const) {
        if (client === 'lib-storage' && values['no-peer']) continue;
        rows.push(await measure({ source, client, folder, address }));
      }
    }
    print(rows);
  } finally {
    backend.kill();
    await once(backend, 'exit');
    await rm(folder, { recursive: true });
  }
}

/** JavaScript in one file, as it is installed: stripping types at start would count as its memory. */
async function buildClients(): Promise<void> {
  await buildNodeClients();
  await build({
    entryPoints: [join(import.meta.dirname, '../packages/sdk/src/cli.ts')],
    outfile: CLI_SCRIPT,
    bundle: true,
    format: 'esm',
    platform: 'node',
  });
}

interface Run {
  readonly source: Row['source'];
  readonly client: Row['client'];
  readonly folder: string;
  readonly address: string;
}

async function measure(run: Run): Promise<Row> {
  const { source, client, folder } = run;
  const gibibytes = Number(source === 'file' ? values['file-gib'] : values['pipe-gib']);
  const sizeBytes = Math.round(gibibytes * GIB);
  const path = join(folder, `${client}-${source}`);
  await (source === 'file' ? makeSparseFile(path, sizeBytes) : promisify(execFile)('mkfifo', [path]));
  // The shell opens the FIFO to write, and waits for its reader as the reader waits for it.
  const writer = source === 'pipe' && spawn('sh', ['-c', `head -c ${sizeBytes} /dev/zero >"$0"`, path]);
  const command = commandOf(run, source === 'file' ? path : '-');
  const { status, stdout, ...watched } = await watchMemory(command, source === 'pipe' ? path : undefined);
  if (writer && writer.exitCode === null) writer.kill();
  await rm(path);
  if (status !== 0) throw new Error(`${client} ended with ${status}: ${stdout}`);
  if (client === 'longhaul') assertSize(stdout, sizeBytes);
  process.stderr.write(`${source}, ${client}: ${watched.peakRssMiB.toFixed(1)} MiB\n`);
  return { source, client, sizeBytes, limitMiB: client === 'longhaul' ? limitOf(source) : null, ...watched };
}

function limitOf(source: Row['source']): number {
  return source === 'file' ? 100 : 60 + Number(values.concurrency) * Number(values['part-size-mib']);
}

function commandOf({ client, address }: Run, file: string): readonly string[] {
  const partSizeBytes = Number(values['part-size-mib']) * MIB;
  const { concurrency } = values;
  if (client === 'lib-storage')
    return [process.execPath, nodeClientScript(client), file, address, String(partSizeBytes), concurrency];
  const { coordinator } = JSON.parse(address) as { coordinator: string };
  return [
    process.execPath,
    CLI_SCRIPT,
    'upload',
    file,
    ...(file === '-' ? ['--name', 'from-a-pipe'] : []),
    '--coordinator',
    coordinator,
    '--part-size',
    String(partSizeBytes),
    '--concurrency',
    concurrency,
    '--json',
  ];
}

/** The coordinator has compared it with the sum of what the sink has received. */
function assertSize(stdout: string, sizeBytes: number): void {
  const report = JSON.parse(stdout) as { sizeBytes?: number };
  if (report.sizeBytes !== sizeBytes) throw new Error(`stored ${report.sizeBytes} of ${sizeBytes} bytes`);
}

async function makeSparseFile(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(sizeBytes);
  await file.close();
}

function print(rows: readonly Row[]): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  console.log(`\nParts of ${values['part-size-mib']} MiB, ${values.concurrency} at once\n`);
  console.log('source  client         GiB   peak RSS MiB   to stay below   seconds');
  for (const row of rows) {
    const cells = [
      (row.sizeBytes / GIB).toFixed(1).padStart(5),
      row.peakRssMiB.toFixed(1).padStart(12),
      (row.limitMiB?.toFixed(0) ?? '').padStart(13),
      row.seconds.toFixed(1).padStart(7),
    ];
    console.log(`${row.source.padEnd(8)}${row.client.padEnd(12)}${cells.join('   ')}`);
  }
}
