// Uploads over emulated long lines: Longhaul with nothing configured, its peers, and what the line can carry, in one run.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPages } from './browser/build-pages.ts';
import { HELP, type LinksArguments, readArguments } from './links/arguments.ts';
import { clientNamed } from './links/clients.ts';
import { type LinkResult, measureLink, type Preparation } from './links/measure-link.ts';
import { findChromium, findObstacles } from './links/requirements.ts';
import { describeLink } from './links/specs.ts';
import { formatTable, toRows } from './links/table.ts';
import { UsageError } from './links/usage-error.ts';
import { makeFile } from './measuring/make-file.ts';
import { buildNodeClients } from './node-upload/build-clients.ts';

const ENDLESS_BYTES = 2 ** 36;

process.exitCode = await main(process.argv.slice(2));

/** The exit status: 2 for what cannot be asked, or not here. */
async function main(words: readonly string[]): Promise<number> {
  try {
    const asked = readArguments(words);
    if (!asked) return say(HELP);
    const obstacles = await findObstacles();
    const wantsChromium = asked.clients.some((name) => clientNamed(name).platform === 'chromium');
    const chromium = wantsChromium ? await findChromium() : undefined;
    if (wantsChromium && !chromium)
      obstacles.push(
        'There is no Chromium: apt-get install chromium, or leave the pages out by --clients longhaul,lib-storage',
      );
    if (obstacles.length > 0) throw new UsageError(obstacles.join('\n'));
    return await run(asked, chromium);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

async function run(asked: LinksArguments, chromium: string | undefined): Promise<number> {
  const stopped = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopped.abort());
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-links-'));
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    await buildNodeClients();
    if (chromium) await buildPages();
    const endlessFile = join(folder, 'endless.bin');
    await makeSparseFile(endlessFile);
    const fileOf = createFiles(folder);
    const preparation: Preparation = {
      asked,
      fileOf,
      endlessFile,
      chromium,
      signal: stopped.signal,
      log,
    };
    const results: LinkResult[] = [];
    for (const spec of asked.links) {
      results.push(await measureLink(spec, preparation));
      if (!asked.json) say(formatResult(results.at(-1)));
    }
    if (asked.json) say(`${JSON.stringify(results.map(withRows))}\n`);
    return 0;
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    log('stopped; lines and namespaces are gone');
    return 130;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function createFiles(folder: string): (sizeMiB: number) => Promise<string> {
  const made = new Map<number, string>();
  return async (sizeMiB) => {
    const path = made.get(sizeMiB) ?? join(folder, `file-${sizeMiB}.bin`);
    if (!made.has(sizeMiB)) await makeFile(path, sizeMiB * 1024 ** 2);
    made.set(sizeMiB, path);
    return path;
  };
}

async function makeSparseFile(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(ENDLESS_BYTES);
  await file.close();
}

function formatResult(result: LinkResult | undefined): string {
  if (!result) return '';
  const { spec, capacity, congestionControl, packets, measurements } = result;
  const [four, sixteen] = [capacity.mbitOf4.toFixed(1), capacity.mbitOf16.toFixed(1)];
  const head = `${describeLink(spec)}: 4 curls carry ${four} Mbit/s, 16 carry ${sixteen}; senders use ${congestionControl}`;
  return `\n${[head, ...measurements.map(formatTable), packets].join('\n\n')}\n`;
}

function withRows(result: LinkResult): object {
  const measurements = result.measurements.map((measurement) => ({
    ...measurement,
    rows: toRows(measurement),
  }));
  return { ...result, measurements };
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}
