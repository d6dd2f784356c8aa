import { setTimeout as sleep } from 'node:timers/promises';
import type { SinkTally } from '../node-upload/sink.ts';
import type { LinksArguments } from './arguments.ts';
import { type BackendProcess, startBackend } from './backend-process.ts';
import { type Capacity, measureCapacity } from './capacity.ts';
import { type Client, clientNamed, commandOf } from './clients.ts';
import { type Link, type LinkSpec, openLink } from './link.ts';
import { runClient } from './run-client.ts';
import { idealSeconds, type Measurement, type Run } from './table.ts';

/** Everything that came out of one line. */
export interface LinkResult {
  readonly spec: LinkSpec;
  readonly congestionControl: string;
  readonly capacity: Capacity;
  readonly measurements: readonly Measurement[];
  /** What the line says of its packets, both ways. */
  readonly packets: string;
}

/** What the bench has made ready for all lines. */
export interface Preparation {
  readonly asked: LinksArguments;
  readonly fileOf: (sizeMiB: number) => Promise<string>;
  /** So large that no `curl` comes to its end. */
  readonly endlessFile: string;
  readonly chromium: string | undefined;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

interface Scene extends Preparation {
  readonly spec: LinkSpec;
  readonly link: Link;
  readonly backend: BackendProcess;
}

/** When the blackout begins, as a share of the ideal time without it. */
const BLACKOUT_AT = 0.4;

/** Lays the line, measures what it carries, and lets every client upload over it, in turn. */
export async function measureLink(spec: LinkSpec, preparation: Preparation): Promise<LinkResult> {
  const { asked, signal, log, endlessFile } = preparation;
  const link = await openLink(spec, asked);
  let result: Omit<LinkResult, 'packets'>;
  let packets = '';
  try {
    const backend = await startBackend(link.farHost, link.far);
    const scene: Scene = { ...preparation, spec, link, backend };
    try {
      const capacity = await measureCapacity(scene, endlessFile, signal);
      log(`${spec.name}: 4 curls carry ${capacity.mbitOf4.toFixed(1)} Mbit/s`);
      const measurements: Measurement[] = [];
      for (const sizeMiB of spec.sizesMiB) measurements.push(await measureSize(scene, capacity, sizeMiB));
      result = { spec, congestionControl: link.congestionControl, capacity, measurements };
    } finally {
      await backend.stop();
    }
  } finally {
    packets = await link.close();
  }
  return { ...result, packets };
}

async function measureSize(scene: Scene, capacity: Capacity, sizeMiB: number): Promise<Measurement> {
  const { asked, spec, fileOf, signal, log } = scene;
  const runs: Run[] = [];
  const measurement = {
    link: spec.name,
    sizeBytes: sizeMiB * 1024 ** 2,
    roundTripMs: spec.roundTripMs,
    blackoutSeconds: asked.blackoutSeconds,
    capacity,
    runs,
  };
  const file = await fileOf(sizeMiB);
  for (let round = 1; round <= asked.rounds; round++) {
    for (const name of asked.clients) {
      signal.throwIfAborted();
      const run = await runOnce(scene, clientNamed(name), file, measurement);
      runs.push(run);
      const said = run.seconds === undefined ? `failed: ${run.failure}` : `${run.seconds.toFixed(2)} s`;
      log(`${spec.name}, ${sizeMiB} MiB, round ${round}, ${name}: ${said}`);
    }
  }
  return measurement;
}

async function runOnce(scene: Scene, client: Client, file: string, measurement: Measurement): Promise<Run> {
  const { link, backend, chromium, signal } = scene;
  const { blackoutSeconds, sizeBytes } = measurement;
  await backend.dropConnections();
  await sleep(2 * measurement.roundTripMs);
  link.forget();
  const over = new AbortController();
  const eitherEnd = AbortSignal.any([over.signal, signal]);
  const ideal = idealSeconds(measurement);
  const before = await backend.tally();
  const dark =
    blackoutSeconds > 0
      ? goDark(
          backend,
          before.bytes + sizeBytes * BLACKOUT_AT,
          () => link.blackout(blackoutSeconds, eitherEnd),
          eitherEnd,
        )
      : undefined;
  const words = [...link.near, ...commandOf(client, file, backend.address, chromium)];
  const outcome = await runClient(words, (60 + 10 * ideal) * 1000, signal);
  over.abort();
  await dark;
  return { client: client.name, ...judge(outcome, before, await backend.tally(), sizeBytes) };
}

/** Takes the line away once the sink has `bytes`. */
async function goDark(
  backend: BackendProcess,
  bytes: number,
  blackout: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && (await backend.tally()).bytes < bytes) await sleep(50);
  if (!signal.aborted) await blackout();
}

/** An upload counts only if the sink has one object more, of all its bytes. */
function judge(
  outcome: Awaited<ReturnType<typeof runClient>>,
  before: SinkTally,
  after: SinkTally,
  sizeBytes: number,
): Omit<Run, 'client'> {
  const made = after.completed.slice(before.completed.length);
  const isWhole = made.length === 1 && made[0] === sizeBytes;
  const verdict =
    'seconds' in outcome && !isWhole
      ? { failure: `said to be done, but the sink has objects of ${made.join(', ') || 'no'} bytes` }
      : 'seconds' in outcome
        ? { seconds: outcome.seconds }
        : outcome;
  return {
    ...verdict,
    puts: after.puts - before.puts,
    preflights: after.preflights - before.preflights,
    connections: after.connections - before.connections,
    sentRatio: (after.bytes - before.bytes) / sizeBytes,
  };
}
