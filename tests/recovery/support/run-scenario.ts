import { setTimeout as sleep } from 'node:timers/promises';
import type { UploadHandle } from '@longhaul/sdk';
import { type ExpectedEnd, findDisorder } from './convergence.ts';
import { openDoor } from './door.ts';
import type { Lane } from './lane.ts';
import type { Replica } from './replica-process.ts';
import type { Scenario, Stage } from './scenarios.ts';

/** What came of a scenario. */
export interface Course {
  /** What is not as it must be; `undefined`: it has converged. */
  readonly failure: string | undefined;
  readonly killedAt: string | undefined;
  /** From death to the state that lasts; `undefined` when nobody died. */
  readonly recoveryMs: number | undefined;
  /** How often the replica reached each point; `undefined` when it died. */
  readonly hits: Readonly<Record<string, number>> | undefined;
  readonly uploadCount: number;
  /** Bytes that were sent although the store had been sent them before. */
  readonly resentBytes: number;
  /** Events that were told again. */
  readonly duplicateCount: number;
}

const CONVERGES_WITHIN_MS = 40_000;
const LOOK_EVERY_MS = 50;

/**
 * Has clients do something while a replica serves and works alone. When it dies the survivor takes over: it has been
 * serving, and begins to work. One that has not died when all is well is stopped in good order, and may die of that.
 */
export async function runScenario(
  lane: Lane,
  { scenario, replica, survivor }: { scenario: Scenario; replica: Replica; survivor: Replica },
): Promise<Course> {
  const sent = createSentBytes();
  const eventCountBefore = (await lane.messages()).length;
  const dying = new AbortController();
  const takenOver = replica.ended.then(async () => {
    dying.abort();
    await survivor.ask('work');
  });
  if ((await replica.ask('serve')) !== undefined) await replica.ask('work');
  const stage: Stage = {
    lane,
    door: openDoor([replica, survivor]),
    safeDoor: openDoor([survivor]),
    died: dying.signal,
    async reconcile() {
      if ((await replica.ask('reconcile')) === undefined) await survivor.ask('reconcile');
    },
    watch: sent.watch,
  };
  let ends: readonly ExpectedEnd[] = [];
  let failure: string | undefined;
  let hits: Course['hits'];
  try {
    ends = await withTimeout(scenario.run(stage));
    failure = await converge(lane, ends);
    hits = (await replica.ask('stop')) as Course['hits'];
    if (!hits) failure ??= await converge(lane, ends);
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const convergedAtMs = performance.now();
  await replica.kill();
  await takenOver;
  await survivor.ask('rest');
  const { killedAt, atMs } = await replica.ended;
  const eventCount = (await lane.messages()).length - eventCountBefore;
  await leaveNothing(lane);
  return {
    failure: failure && `${failure}${complaintsOf(replica)}${complaintsOf(survivor)}`,
    killedAt,
    recoveryMs: killedAt === undefined ? undefined : Math.round(convergedAtMs - atMs),
    hits,
    uploadCount: ends.length,
    resentBytes: sent.resentBytes(),
    duplicateCount: Math.max(0, eventCount - ends.length),
  };
}

/** The next one finds an empty database, and nothing open at the store. */
async function leaveNothing({ sql, objectStore }: Lane): Promise<void> {
  await sql`truncate nodes, outbox, rotations`;
  const open = await objectStore.listMultipartUploads({ prefix: '' });
  await Promise.all(open.map((upload) => objectStore.abortMultipartUpload(upload)));
}

function complaintsOf({ complaints }: Replica): string {
  return complaints === '' ? '' : `\n  a replica said: ${complaints.slice(-1500)}`;
}

async function withTimeout<Result>(work: Promise<Result>): Promise<Result> {
  const done = new AbortController();
  const late = sleep(CONVERGES_WITHIN_MS, undefined, { signal: done.signal }).then(() => {
    throw new Error('the clients have not come to an end');
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

async function converge(lane: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  const deadline = performance.now() + CONVERGES_WITHIN_MS;
  for (;;) {
    const disorder = await findDisorder(lane, ends);
    if (disorder === undefined || performance.now() > deadline) return disorder;
    await sleep(LOOK_EVERY_MS);
  }
}

/** Counts the bytes of parts that were stored more than once. */
function createSentBytes(): { watch(handle: UploadHandle): void; resentBytes(): number } {
  let resentBytes = 0;
  return {
    watch(handle) {
      const stored = new Set<number>();
      handle.on('part', ({ partNumber, sizeBytes, isStored }) => {
        if (!isStored) return;
        if (stored.has(partNumber)) resentBytes += sizeBytes;
        stored.add(partNumber);
      });
    },
    resentBytes: () => resentBytes,
  };
}
