import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashOfFile, writeRandomFile } from '../e2e/support/files.ts';
import { type LookedAtBucket, makeBucket, type StoreAddress } from '../killed-cli/bucket.ts';
import { type CountingProxy, type SeenPut, startCountingProxy } from '../killed-cli/counting-proxy.ts';
import { type CliRun, runCli, serveCoordinator, type ServingCoordinator } from '../killed-cli/processes.ts';
import { createRandom, type Random } from '../simulation/engine/random.ts';
import type { SoakOptions, SoakReport } from './support/soak.ts';

export const name = 'kill-cli';

const MIB = 1024 ** 2;
const FILE_BYTES = 40 * MIB + 1;
const CONCURRENCY = 4;
/** Slow enough for a kill to meet it at work. */
const MAX_RATE = '40M';
const MAX_KILLS_OF_ONE = 4;
const LANES = 2;

/**
 * Uploads files by the command line, kills it (-9) at random times, runs it again until it comes to its end, and looks at
 * what the store has then: every file whole, no part that was stored sent again, nothing left open.
 */
export async function run({ seconds, seed, log }: SoakOptions): Promise<SoakReport> {
  const untilMs = performance.now() + seconds * 1_000;
  const world = await openWorld();
  try {
    log(`a run that nobody kills takes ${Math.round(world.runMs)} ms`);
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const random = createRandom(`${seed}/${lane}`);
      const rounds: Round[] = [];
      while (rounds.length === 0 || performance.now() < untilMs) {
        const round = await uploadThroughKills(world, random, `${lane}-${rounds.length}`);
        log(`${round.title}: ${round.kills} kills, ${round.failures.join('; ') || 'whole'}`);
        rounds.push(round);
      }
      return rounds;
    });
    const rounds = (await Promise.all(lanes)).flat();
    const left = await world.bucket.openUploads();
    return {
      rounds: rounds.length,
      failures: [
        ...rounds.flatMap(({ title, failures }) => failures.map((what) => `${title}: ${what}`)),
        ...left.map((key) => `${key} is still open at the store`),
      ],
      figures: figuresOf(rounds),
    };
  } finally {
    await world.close();
  }
}

interface World {
  readonly folder: string;
  readonly bucket: LookedAtBucket;
  readonly proxy: CountingProxy;
  readonly coordinator: ServingCoordinator;
  /** Starting, sending, completing, as long as it takes on this machine: kills come anywhere in it. */
  readonly runMs: number;
  close(): Promise<void>;
}

async function openWorld(): Promise<World> {
  const store = storeAddress();
  const bucketName = `killed-${randomUUID()}`;
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-killed-'));
  const bucket = await makeBucket(store, bucketName);
  const proxy = await startCountingProxy(store.endpoint);
  const where = { bucket: bucketName, publicEndpoint: proxy.url, folder };
  const coordinator = await serveCoordinator(store, where);
  const runMs = await timeOfRun(folder, coordinator);
  return {
    folder,
    runMs,
    bucket,
    proxy,
    coordinator,
    async close() {
      await coordinator.stop();
      await proxy.close();
      await bucket.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function timeOfRun(folder: string, coordinator: ServingCoordinator): Promise<number> {
  const file = join(folder, 'unharmed.bin');
  await writeRandomFile(file, FILE_BYTES);
  const startMs = performance.now();
  const { exitCode, text } = await runCli(argsFor(file, coordinator, 'unharmed'), join(folder, 'state'));
  if (exitCode !== 0) throw new Error(`a run that nobody has killed ended with ${exitCode}: ${text}`);
  return performance.now() - startMs;
}

function argsFor(file: string, { url }: ServingCoordinator, connectorId: string): string[] {
  const what = ['upload', file, '--json', '--coordinator', url, '--connector', connectorId];
  return [...what, '--part-size', '5MiB', '--concurrency', String(CONCURRENCY), '--max-rate', MAX_RATE];
}

function storeAddress(): StoreAddress {
  const read = (variable: string): string => {
    const value = process.env[`LONGHAUL_TEST_VERSITYGW_${variable}`];
    if (!value) throw new Error(`killing the command line needs LONGHAUL_TEST_VERSITYGW_${variable}`);
    return value;
  };
  return {
    endpoint: read('URL'),
    credentials: { accessKeyId: read('ACCESS_KEY_ID'), secretAccessKey: read('SECRET_ACCESS_KEY') },
  };
}

/** One file, from its first byte to the object. */
interface Round {
  readonly title: string;
  readonly kills: number;
  readonly failures: readonly string[];
  /** PUTs that a kill has met. */
  readonly cutParts: number;
  /** Bytes of them, which had to be sent again. */
  readonly resentBytes: number;
  readonly uploads: number;
}

async function uploadThroughKills(world: World, random: Random, title: string): Promise<Round> {
  const { folder, bucket, proxy, coordinator } = world;
  const file = join(folder, `${title}.bin`);
  await writeRandomFile(file, FILE_BYTES);
  const args = argsFor(file, coordinator, `lane-${title}`);
  const start = (killAfterMs?: number): Promise<CliRun> => runCli(args, join(folder, 'state'), killAfterMs);

  const killsAtMost = random.int(1, MAX_KILLS_OF_ONE);
  let kills = 0;
  let last: CliRun;
  do last = await start(random.int(1, Math.round(world.runMs)));
  while (last.isKilled && ++kills < killsAtMost);
  if (last.isKilled) last = await start();

  const puts = proxy.puts.filter(({ key }) => key.includes(`/lane-${title}/`));
  const keys = (await bucket.keys()).filter((key) => key.includes(`/lane-${title}/`));
  const failures = [...judgeRun(last), ...judgePuts(puts, kills)];
  const hash = await hashOfFile(file);
  for (const key of keys) {
    if ((await bucket.hashOf(key)) !== hash) failures.push(`${key} is not the file`);
    await bucket.remove(key);
  }
  if (!keys.some((key) => last.stdout.includes(key))) failures.push('there is no object');
  await rm(file);
  const cut = puts.filter((put) => !isStored(put));
  const resentBytes = cut.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  return {
    title,
    kills,
    failures,
    cutParts: cut.length,
    resentBytes,
    uploads: new Set(puts.map(({ key }) => key)).size,
  };
}

function judgeRun({ exitCode, text }: CliRun): string[] {
  return exitCode === 0 ? [] : [`the last run ended with ${exitCode}: ${text}`];
}

/** What the store has taken is not sent again; so what is sent again was in flight when somebody was killed. */
function judgePuts(puts: readonly SeenPut[], kills: number): string[] {
  const stored = new Set<string>();
  const failures: string[] = [];
  for (const put of puts) {
    const part = `${put.key}, part ${put.partNumber}`;
    if (stored.has(part)) failures.push(`${part} was sent again`);
    if (isStored(put)) stored.add(part);
  }
  const cut = puts.filter((put) => !isStored(put)).length;
  if (cut > kills * CONCURRENCY) failures.push(`${cut} parts were cut by ${kills} kills`);
  return failures;
}

function isStored({ status = 0 }: SeenPut): boolean {
  return status >= 200 && status < 300;
}

function figuresOf(rounds: readonly Round[]): Readonly<Record<string, unknown>> {
  const sum = (read: (round: Round) => number): number => rounds.reduce((all, each) => all + read(each), 0);
  const kills = sum((round) => round.kills);
  return {
    files: rounds.length,
    kills,
    cutParts: sum(({ cutParts }) => cutParts),
    // More than files where one was killed between the end of its upload and its last word.
    uploads: sum(({ uploads }) => uploads),
    resentMibPerKill:
      Math.round((sum(({ resentBytes }) => resentBytes) / MIB / Math.max(1, kills)) * 100) / 100,
  };
}
