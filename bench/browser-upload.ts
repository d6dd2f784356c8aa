// Upload of a disk file from a page: Longhaul, with and without checksums, against bare PUTs of slices, in alternation.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { buildPages, type PageName } from './browser/build-pages.ts';
import { pageCommand } from './browser/page-command.ts';
import type { PageCost } from './browser/page-cost.ts';
import { formatPageRows, type PageRuns, toPageRows } from './browser-upload/rows.ts';
import { type BackendProcess, startBackend } from './links/backend-process.ts';
import { findChromium } from './links/requirements.ts';
import { makeFile } from './measuring/make-file.ts';

const HELP = `Uploads a file from a page in headless Chromium to a sink of another origin, and prints throughput and the time of the
page's main thread, each against bare PUTs of 16 MiB slices by XMLHttpRequest, six at once.

Usage
  npx --yes pnpm@12 bench browser-upload [--size-mib 1024] [--rounds 3] [--json]

Every upload runs in a fresh Chromium, driven by its bare protocol. Longhaul has nothing configured but its checksums.
A file of a quarter of the size is uploaded as well, so that what the main thread does for every upload (code loaded and
compiled, the first calls to the coordinator) is told from what it does for each GiB more: (whole - quarter) / difference in
size. Both are printed, and the seconds of the whole upload.
Needs Chromium (apt-get install chromium).
`;
const MIB = 1024 ** 2;

interface Way {
  readonly name: string;
  readonly page: PageName;
  readonly options: Readonly<Record<string, unknown>>;
}

// The first is what the others are compared with.
const WAYS: readonly Way[] = [
  { name: 'bare Blob PUTs', page: 'blob-put', options: {} },
  { name: 'longhaul, checksums off', page: 'longhaul', options: { integrity: false } },
  { name: 'longhaul, checksums on', page: 'longhaul', options: { integrity: true } },
  { name: 'uppy 6.3', page: 'uppy-6.3', options: {} },
];

const { values } = parseArgs({
  options: {
    'size-mib': { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help) process.stdout.write(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const chromium = await findChromium();
  if (!chromium) {
    process.stderr.write('There is no Chromium: apt-get install chromium\n');
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  const sizeBytes = Number(values['size-mib']) * MIB;
  try {
    const files = { whole: join(folder, 'whole.bin'), quarter: join(folder, 'quarter.bin') };
    await makeFile(files.whole, sizeBytes);
    await makeFile(files.quarter, sizeBytes / 4);
    await buildPages();
    const rows = toPageRows(sizeBytes, await measure(chromium, files, sizeBytes));
    const heading = `${values['size-mib']} MiB, median of ${values.rounds}`;
    const text = values.json ? JSON.stringify(rows) : `\n${heading}\n\n${formatPageRows(rows)}`;
    process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(
  chromium: string,
  files: { readonly whole: string; readonly quarter: string },
  sizeBytes: number,
): Promise<PageRuns[]> {
  const backend = await startBackend('127.0.0.1');
  const runs = WAYS.map((way) => ({ ...way, costs: [] as PageCost[], quarterCosts: [] as PageCost[] }));
  try {
    for (let round = 1; round <= Number(values.rounds); round++) {
      for (const { name, page, options, costs, quarterCosts } of runs) {
        const run = async (file: string, bytes: number): Promise<PageCost> =>
          await upload(pageCommand(chromium, page, file, { ...backend.address, options }), backend, bytes);
        const cost = await run(files.whole, sizeBytes);
        costs.push(cost);
        quarterCosts.push(await run(files.quarter, sizeBytes / 4));
        process.stderr.write(`round ${round}, ${name}: ${cost.seconds.toFixed(2)} s\n`);
      }
    }
    return runs;
  } finally {
    await backend.stop();
  }
}

/** Counts only if the sink has one object more, of all its bytes. */
async function upload(
  [command = '', ...words]: readonly string[],
  backend: BackendProcess,
  sizeBytes: number,
): Promise<PageCost> {
  const before = await backend.tally();
  const { stdout } = await promisify(execFile)(command, words);
  const made = (await backend.tally()).completed.slice(before.completed.length);
  if (made.length !== 1 || made[0] !== sizeBytes)
    throw new Error(`the sink has objects of ${made.join()} bytes`);
  return JSON.parse(stdout) as PageCost;
}
