// What a connection that dies without a word costs: Longhaul against @aws-sdk/lib-storage on a line of a given rate.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createUploader } from '@longhaul/sdk';
import { uploadWithLibStorage } from './faults/lib-storage.ts';
import type { StallBackend } from './stall/backend.ts';

const HELP = `Uploads a file over a line on which one connection goes dead, and prints what that costs against a run without.

Usage
  npx --yes pnpm@12 bench stall [--size-mib 384] [--mib-per-second 16] [--at 0.4,0.97] [--patience 60] [--json]

  --mib-per-second N  what the line carries, all connections together: 16 is one part of 16 MiB each second
  --at F,F            where it happens, as fractions of the file that has gone through by then
  --patience S        seconds over the run without after which a client is given up

Two ways to die: "body", the line stops taking bytes of one connection in the middle of a part; "answer", it takes all of
them, and the answer never comes back. Both clients run as they are, without configuration; lib-storage knows no such time-out.
Exit status 1: one of them has cost Longhaul more than 10 s.
`;
const MIB = 1024 ** 2;
const MOST_SECONDS = 10;
const CLIENTS = ['longhaul', 'lib-storage'] as const;

const { values } = parseArgs({
  options: {
    'size-mib': { type: 'string', default: '384' },
    'mib-per-second': { type: 'string', default: '16' },
    at: { type: 'string', default: '0.4,0.97' },
    patience: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

type Client = (typeof CLIENTS)[number];

/** One run, or what it would have been without a fault. */
interface Run {
  readonly client: Client;
  readonly death: 'none' | 'body' | 'answer';
  /** Fraction of the file that had gone through. */
  readonly at: number;
  /** `undefined`: given up. */
  readonly seconds: number | undefined;
}

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  try {
    const file = join(folder, 'file.bin');
    const handle = await open(file, 'w');
    await handle.truncate(Number(values['size-mib']) * MIB);
    await handle.close();
    const runs: Run[] = [];
    for (const client of CLIENTS) runs.push(...(await runAll(client, file)));
    print(runs);
    process.exitCode = runs.some((run) => run.client === 'longhaul' && !(costOf(run, runs) <= MOST_SECONDS))
      ? 1
      : 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function runAll(client: Client, file: string): Promise<Run[]> {
  const clean = await measure(client, file, { death: 'none', at: 1 }, Infinity);
  const limit = (clean.seconds ?? 0) + Number(values.patience);
  const runs = [clean];
  for (const at of values.at.split(',').map(Number))
    for (const death of ['body', 'answer'] as const)
      runs.push(await measure(client, file, { death, at }, limit));
  return runs;
}

async function measure(
  client: Client,
  file: string,
  fault: Pick<Run, 'death' | 'at'>,
  limitSeconds: number,
): Promise<Run> {
  const bytes = Number(values['size-mib']) * MIB * fault.at;
  const rate = Number(values['mib-per-second']) * MIB;
  const child = fork(join(import.meta.dirname, 'stall/backend.ts'), [
    fault.death,
    String(bytes),
    String(rate),
  ]);
  try {
    const [backend] = (await once(child, 'message')) as [StallBackend];
    const startMs = performance.now();
    const seconds = await upload(client, file, backend, limitSeconds).then(
      () => (performance.now() - startMs) / 1_000,
      (error: unknown) => void (error instanceof DOMException || process.stderr.write(`${String(error)}\n`)),
    );
    process.stderr.write(
      `${client}, ${fault.death} at ${fault.at}: ${seconds?.toFixed(1) ?? 'given up after'} s\n`,
    );
    return { client, ...fault, seconds };
  } finally {
    child.kill();
  }
}

async function upload(
  client: Client,
  file: string,
  backend: StallBackend,
  limitSeconds: number,
): Promise<unknown> {
  const signal = limitSeconds < Infinity ? AbortSignal.timeout(Math.round(limitSeconds * 1_000)) : undefined;
  if (client === 'longhaul') {
    const { coordinator } = backend;
    const options = { resume: false, ...(signal && { signal }) };
    return await createUploader({ coordinator }).upload(file, options).result;
  }
  const given = new Promise((_resolve, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason)),
  );
  return await Promise.race([given, uploadWithLibStorage(backend, file, 0)]);
}

/** Seconds more than without a fault. */
function costOf({ client, seconds = Infinity }: Run, runs: readonly Run[]): number {
  const clean = runs.find((run) => run.client === client && run.death === 'none');
  return seconds - (clean?.seconds ?? Number.NaN);
}

function print(runs: readonly Run[]): void {
  const rows = runs.map((run) => ({ ...run, costSeconds: costOf(run, runs) }));
  if (values.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  console.log(`\n${values['size-mib']} MiB over a line of ${values['mib-per-second']} MiB/s\n`);
  console.log('client        dies in   at     seconds    costs');
  for (const { client, death, at, seconds, costSeconds } of rows) {
    const cells = [
      client.padEnd(12),
      death.padEnd(8),
      (death === 'none' ? '' : String(at)).padEnd(4),
      (seconds?.toFixed(1) ?? 'given up').padStart(8),
      (seconds === undefined ? `> ${values.patience}` : costSeconds.toFixed(1)).padStart(7),
    ];
    console.log(cells.join('  '));
  }
}
