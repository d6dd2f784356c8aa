// Node upload of one large file: Longhaul against @aws-sdk/lib-storage, in alternation, each run in a fresh process.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { buildNodeClients, NODE_CLIENTS, nodeClientScript } from './node-upload/build-clients.ts';
import { makeFile } from './measuring/make-file.ts';
import { median } from './measuring/median.ts';
import type { Cost } from './node-upload/measure.ts';
import { firstLine } from './measuring/first-line.ts';

const HELP = `Uploads a file from Node with Longhaul and with @aws-sdk/lib-storage, in alternation, and prints the ratio.

Usage
  npx --yes pnpm@12 bench node-upload [--size-mib 2048] [--rounds 3] [--part-size-mib 16] [--concurrency 4] [--store local-s3|sink] [--json]

  --store local-s3   the real local store, which hashes and writes every byte: how fast it is decides
  --store sink       reads every byte and keeps none: how fast the client is decides (default: both, one after the other)

Neither side sends checksums. Memory is VmHWM of the uploading process alone.
`;
const MIB = 1024 ** 2;
type Client = (typeof NODE_CLIENTS)[number];

const { values } = parseArgs({
  options: {
    'size-mib': { type: 'string', default: '2048' },
    rounds: { type: 'string', default: '3' },
    'part-size-mib': { type: 'string', default: '16' },
    concurrency: { type: 'string', default: '4' },
    store: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

/** Median cost of a client on a store. */
interface Row {
  readonly store: string;
  readonly client: Client;
  readonly gbPerSecond: number;
  readonly cpuSecondsPerGb: number;
  readonly peakRssMiB: number;
}

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  try {
    const file = join(folder, 'file.bin');
    await makeFile(file, Number(values['size-mib']) * MIB);
    await buildNodeClients();
    const rows: Row[] = [];
    for (const store of values.store ? [values.store] : ['sink', 'local-s3'])
      rows.push(...(await runStore(store, folder, file)));
    print(rows);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function runStore(store: string, folder: string, file: string): Promise<Row[]> {
  const backend = fork(join(import.meta.dirname, 'node-upload/backend.ts'), [store, folder], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  try {
    const address = await firstLine(backend);
    const costs: Record<Client, Cost[]> = { longhaul: [], 'lib-storage': [] };
    for (let round = 1; round <= Number(values.rounds); round++) {
      for (const client of NODE_CLIENTS) {
        costs[client].push(await runClient(client, file, address));
        process.stderr.write(
          `${store}, round ${round}, ${client}: ${costs[client].at(-1)?.seconds.toFixed(2)} s\n`,
        );
      }
    }
    const gigabytes = (Number(values['size-mib']) * MIB) / 1e9;
    return NODE_CLIENTS.map((client) => ({
      store,
      client,
      gbPerSecond: gigabytes / median(costs[client].map((cost) => cost.seconds)),
      cpuSecondsPerGb: median(costs[client].map((cost) => cost.cpuSeconds)) / gigabytes,
      peakRssMiB: median(costs[client].map((cost) => cost.peakRssMiB)),
    }));
  } finally {
    backend.kill();
    await once(backend, 'exit');
    await rm(join(folder, 'objects'), { recursive: true, force: true });
  }
}

async function runClient(client: Client, file: string, backend: string): Promise<Cost> {
  const partSizeBytes = String(Number(values['part-size-mib']) * MIB);
  const { stdout } = await promisify(execFile)(process.execPath, [
    nodeClientScript(client),
    file,
    backend,
    partSizeBytes,
    values.concurrency,
    'off',
  ]);
  return JSON.parse(stdout) as Cost;
}

function print(rows: readonly Row[]): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  console.log(
    `\n${values['size-mib']} MiB, parts of ${values['part-size-mib']} MiB, ${values.concurrency} at once, median of ${values.rounds}\n`,
  );
  console.log('store      client        GB/s   CPU s/GB   peak RSS MiB   against lib-storage');
  for (const row of rows) {
    const peer = rows.find((other) => other.store === row.store && other.client === 'lib-storage');
    const ratio = peer ? row.gbPerSecond / peer.gbPerSecond : Number.NaN;
    const cells = [
      row.gbPerSecond.toFixed(2).padStart(5),
      row.cpuSecondsPerGb.toFixed(2).padStart(9),
      row.peakRssMiB.toFixed(0).padStart(13),
    ];
    console.log(`${row.store.padEnd(11)}${row.client.padEnd(12)}${cells.join('  ')}   ${ratio.toFixed(2)}×`);
  }
}
