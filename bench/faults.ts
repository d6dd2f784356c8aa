// Uploads under faults: Longhaul against @aws-sdk/lib-storage behind the same proxy, every object compared with its file.
import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { createUploader } from '@longhaul/sdk';
import type { FaultBackend } from './faults/backend.ts';
import { uploadWithLibStorage } from './faults/lib-storage.ts';
import { createPeerClient } from './measuring/peer-s3-client.ts';

const HELP = `Uploads files through a proxy that answers some PUTs with 503 and cuts others in the middle of their body, with
Longhaul and with @aws-sdk/lib-storage, and compares every object with its file.

Usage
  npx --yes pnpm@12 bench faults [--uploads 60] [--size-mib 64] [--throttled 0.05] [--reset 0.02] [--seed 1] [--json]

  --uploads N      files, one after another, for each client; of few PUTs far more than that fraction may meet a fault
  --throttled F    fraction of PUTs answered 503 SlowDown
  --reset F        fraction of PUTs whose connection is cut in the middle of the body
  --seed N         decides which PUT meets what; the same seed, the same fates in the order of the PUTs

Requests are PUTs at the store; the ideal is one for each part. Both clients run as they are, without configuration.
Exit status 1: an upload of Longhaul has failed or differs, or it took more than 1.12 of the ideal.
`;
const MIB = 1024 ** 2;
const MOST_REQUESTS = 1.12;

const { values } = parseArgs({
  options: {
    uploads: { type: 'string', default: '60' },
    'size-mib': { type: 'string', default: '64' },
    throttled: { type: 'string', default: '0.05' },
    reset: { type: 'string', default: '0.02' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

/** What became of all uploads of one client. */
interface Row {
  readonly client: string;
  readonly uploads: number;
  /** Objects whose content is that of their file. */
  readonly verified: number;
  readonly requests: number;
  readonly idealRequests: number;
  readonly seconds: number;
}

/** Uploads a file; the answer is its key and how many parts it was cut into. */
type Upload = (file: string, index: number) => Promise<{ readonly key: string; readonly parts: number }>;

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  try {
    const rows = [
      await run('longhaul', folder, ({ coordinator }) => {
        const uploader = createUploader({ coordinator });
        return async (file) => {
          const { key, partCount } = await uploader.upload(file, { resume: false }).result;
          return { key, parts: partCount };
        };
      }),
      await run(
        'lib-storage',
        folder,
        (backend) => (file, index) => uploadWithLibStorage(backend, file, index),
      ),
    ];
    print(rows);
    process.exitCode = rows.some(isTooBad) ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A client with a store and a proxy of its own, so that each meets the same fates. */
async function run(client: string, folder: string, open: (backend: FaultBackend) => Upload): Promise<Row> {
  const { throttled, reset, seed } = values;
  const path = join(folder, client);
  const child = fork(join(import.meta.dirname, 'faults/backend.ts'), [path, throttled, reset, seed], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const [backend] = (await once(child, 'message')) as [FaultBackend];
    const upload = open(backend);
    const row = { client, uploads: Number(values.uploads), verified: 0, idealRequests: 0, seconds: 0 };
    for (let index = 0; index < row.uploads; index++) {
      const bytes = randomBytes(Number(values['size-mib']) * MIB);
      const file = join(folder, 'file.bin');
      await writeFile(file, bytes);
      const startMs = performance.now();
      const done = await upload(file, index).catch((error: unknown) => {
        process.stderr.write(`${client}, upload ${index + 1}: ${String(error)}\n`);
      });
      row.seconds += (performance.now() - startMs) / 1_000;
      row.idealRequests += done?.parts ?? 0;
      if (done && (await isStored(backend, done.key, bytes))) row.verified++;
    }
    return { ...row, requests: await putsOf(child) };
  } finally {
    child.kill();
  }
}

async function isStored(backend: FaultBackend, key: string, bytes: Uint8Array): Promise<boolean> {
  const { store: endpoint, bucket, credentials } = backend;
  const client = createPeerClient({ endpoint, credentials });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const stored = await Body?.transformToByteArray();
  client.destroy();
  return stored !== undefined && digestOf(stored) === digestOf(bytes);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function putsOf(child: ChildProcess): Promise<number> {
  child.send('puts');
  const [puts] = (await once(child, 'message')) as [number];
  return puts;
}

function isTooBad({ client, uploads, verified, requests, idealRequests }: Row): boolean {
  return client === 'longhaul' && (verified < uploads || requests > MOST_REQUESTS * idealRequests);
}

function print(rows: readonly Row[]): void {
  const figures = rows.map((row) => ({ ...row, requestsToIdeal: row.requests / row.idealRequests }));
  if (values.json) {
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    return;
  }
  const { uploads, throttled, reset, seed } = values;
  console.log(
    `\n${uploads} uploads of ${values['size-mib']} MiB, 503: ${throttled}, cut: ${reset}, seed ${seed}\n`,
  );
  console.log('client        verified   requests   ideal   ratio   seconds');
  for (const row of figures) {
    const cells = [
      `${row.verified}/${row.uploads}`.padStart(10),
      String(row.requests).padStart(9),
      String(row.idealRequests).padStart(6),
      row.requestsToIdeal.toFixed(3).padStart(6),
      row.seconds.toFixed(1).padStart(8),
    ];
    console.log(`${row.client.padEnd(12)}${cells.join('  ')}`);
  }
}
