// What integrity costs: the same upload from Node over TLS with digests and without, in alternation, each in a fresh process.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { makeFile } from './measuring/make-file.ts';
import { median } from './measuring/median.ts';
import { buildNodeClients, nodeClientScript } from './node-upload/build-clients.ts';
import type { Cost } from './node-upload/measure.ts';
import { firstLine } from './measuring/first-line.ts';

const HELP = `Uploads a file from Node over TLS with integrity on and off, in alternation, and prints what it costs.

Usage
  npx --yes pnpm@12 bench integrity [--size-mib 1024] [--rounds 7] [--json]

The store is a sink in a process of its own: it reads every byte, keeps none, and verifies no digest, so that what is
measured is the client. The file is in the page cache. With integrity on, the client reads the file twice, computes a
CRC32 of each part before it sends it, and has the whole compared. One round before those that count warms everything up.
Needs openssl, for the certificate. Exit status 1: it costs more than 15 % of the throughput.
`;
const MIB = 1024 ** 2;
const MOST_COST = 0.15;
const MODES = ['off', 'on'] as const;
type Mode = (typeof MODES)[number];

const { values } = parseArgs({
  options: {
    'size-mib': { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

/** Medians of a mode. */
interface Row {
  readonly integrity: Mode;
  readonly gbPerSecond: number;
  readonly cpuSecondsPerGb: number;
  readonly peakRssMiB: number;
}

const run = promisify(execFile);

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  try {
    const file = join(folder, 'file.bin');
    await Promise.all([
      makeFile(file, Number(values['size-mib']) * MIB),
      makeIdentity(folder),
      buildNodeClients(),
    ]);
    const rows = await measureModes(folder, file);
    const [off, on] = rows;
    const cost = off && on ? 1 - on.gbPerSecond / off.gbPerSecond : Number.NaN;
    print(rows, cost);
    process.exitCode = cost <= MOST_COST ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A certificate that is its own authority, good for this machine alone. */
async function makeIdentity(folder: string): Promise<void> {
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  await run('openssl', ['req', '-x509', ...key, '-nodes', '-days', '2', ...subject, ...files]);
}

async function measureModes(folder: string, file: string): Promise<Row[]> {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') };
  const backend = fork(join(import.meta.dirname, 'node-upload/backend.ts'), ['tls-sink', folder], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env,
  });
  try {
    const address = await firstLine(backend);
    const costs: Record<Mode, Cost[]> = { off: [], on: [] };
    for (let round = 0; round <= Number(values.rounds); round++) {
      // Whoever comes second finds a warmer machine: they take turns in that too.
      for (const mode of round % 2 ? MODES.toReversed() : MODES) {
        const args = [nodeClientScript('longhaul'), file, address, '', '', mode];
        const { stdout } = await run(process.execPath, args, { env });
        const cost = JSON.parse(stdout) as Cost;
        if (round > 0) costs[mode].push(cost);
        process.stderr.write(`round ${round}, integrity ${mode}: ${cost.seconds.toFixed(2)} s\n`);
      }
    }
    return MODES.map((integrity) => rowOf(integrity, costs[integrity]));
  } finally {
    backend.kill();
    await once(backend, 'exit');
  }
}

function rowOf(integrity: Mode, costs: readonly Cost[]): Row {
  const gigabytes = (Number(values['size-mib']) * MIB) / 1e9;
  return {
    integrity,
    gbPerSecond: gigabytes / median(costs.map((cost) => cost.seconds)),
    cpuSecondsPerGb: median(costs.map((cost) => cost.cpuSeconds)) / gigabytes,
    peakRssMiB: median(costs.map((cost) => cost.peakRssMiB)),
  };
}

function print(rows: readonly Row[], cost: number): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ rows, cost })}\n`);
    return;
  }
  console.log(`\n${values['size-mib']} MiB over TLS, median of ${values.rounds}\n`);
  console.log('integrity    GB/s   CPU s/GB   peak RSS MiB');
  for (const row of rows) {
    const cells = [
      row.gbPerSecond.toFixed(2).padStart(7),
      row.cpuSecondsPerGb.toFixed(2).padStart(9),
      row.peakRssMiB.toFixed(0).padStart(13),
    ];
    console.log(`${row.integrity.padEnd(9)}${cells.join('  ')}`);
  }
  console.log(
    `\nIntegrity costs ${(cost * 100).toFixed(1)} % of the throughput (at most ${MOST_COST * 100} %).`,
  );
}
