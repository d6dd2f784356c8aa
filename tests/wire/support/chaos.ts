import { randomBytes } from 'node:crypto';
import { createUploader, isUploadError, type Uploader, type NodeInput } from '@longhaul/sdk';
import type { UploadResult } from '@longhaul/protocol';
import { createRandom, type Random } from '../../simulation/engine/random.ts';
import { type Fault, http, PASS } from './wire.ts';
import { sha256, startWorld, type World } from './world.ts';

const MIB = 1024 ** 2;
/** In parts, as one PUT, inside the create call. */
const SIZES_BYTES = [10 * MIB + 1_000, MIB, 1_000] as const;

/** What may happen besides. */
export interface ChaosOptions {
  /** Calls may be swallowed: each costs its whole time-out. Default false. */
  readonly stalls?: boolean;
}

/**
 * Uploads of every mode over three wires that do anything to every sixth request. Answers what was not true in the end;
 * the same seed draws the same faults, though not for the same requests.
 */
export async function uploadThroughChaos(
  seed: string,
  { stalls = false }: ChaosOptions = {},
): Promise<string[]> {
  const random = createRandom(seed);
  let isClear = false;
  const wire = (): Fault => (isClear || !random.chance(1 / 6) ? PASS : anyFault(random, stalls));
  const world = await startWorld({
    clientToStore: wire,
    clientToCoordinator: wire,
    coordinatorToStore: wire,
    store: { maxAttempts: 2, completeTimeoutMs: 2_000, createTimeoutMs: 2_000, readTimeoutMs: 2_000 },
  });
  const uploader = createUploader({
    coordinator: world.coordinator,
    partSizeBytes: 5 * MIB,
    stallTimeoutMs: 400,
    retry: { baseDelayMs: 5, throttledBaseDelayMs: 5 },
  });
  const wrong: string[] = [];
  try {
    for (const sizeBytes of SIZES_BYTES) {
      isClear = false;
      wrong.push(...(await uploadOne(world, uploader, randomBytes(sizeBytes), () => (isClear = true))));
    }
  } finally {
    await world.stop();
  }
  return wrong.map((what) => `seed ${seed}: ${what}`);
}

function anyFault(random: Random, stalls: boolean): Fault {
  return random.pick<Fault>([
    { kind: 'reset', afterBytes: random.int(0, 1_000) },
    { kind: 'cut-answer', afterBytes: random.int(0, 200) },
    { kind: 'drip-answer', pauseMs: 0 },
    { kind: 'say', isAsked: random.chance(0.5), bytes: http(503, ''), ending: 'end' },
    ...(stalls ? [{ kind: 'stall' } as const] : []),
  ]);
}

async function uploadOne(
  world: World,
  uploader: Uploader<NodeInput>,
  bytes: Uint8Array,
  clear: () => void,
): Promise<string[]> {
  const first = uploader.upload(bytes);
  const failure = await first.result.then(
    () => undefined,
    (error: Error) => error,
  );
  clear();
  if (failure && !(isUploadError(failure) && /_(UNREACHABLE|REFUSED)$/.test(failure.code)))
    return [`an upload failed with ${failure.message}`];
  // A failure loses nothing: the same again gets to the end.
  const result = await (failure ? uploader.upload(bytes) : first).result;
  const wrong = await wrongEnds(world, result);
  if ((await world.hashOf(result.key)) !== sha256(bytes)) wrong.push('the object is another');
  return wrong.map((what) => `${bytes.byteLength} bytes: ${what}`);
}

async function wrongEnds(world: World, { uploadId, etag }: UploadResult): Promise<string[]> {
  const row = await world.catalog.find(uploadId);
  const events = (await world.events()).filter(({ data }) => data.uploadId === uploadId);
  const told = events.map(({ type }) => type.split('.').at(-2)).join(', ');
  return [
    ...(row?.state === 'COMPLETED' && row.etag === etag ? [] : [`the row is ${row?.state}, ${row?.etag}`]),
    ...(told === 'completed' ? [] : [`what was told is: ${told}`]),
  ];
}
