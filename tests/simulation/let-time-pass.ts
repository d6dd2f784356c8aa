import type { Replica } from './actors/replica.ts';
import type { Random } from './engine/random.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Pauses between looking after what is left: short ones at first, and then for days. */
const PAUSES_MS: readonly number[] = [
  ...Array.from({ length: 3 }, () => MINUTE_MS),
  ...Array.from({ length: 5 }, () => 20 * MINUTE_MS),
  ...Array.from({ length: 40 }, () => HOUR_MS),
];
/** Longer than any work at the store and than its garbage waits to be collected; and than what no row knows is left alone. */
const LAST_PAUSES_MS: readonly number[] = [3 * HOUR_MS, 8 * 24 * HOUR_MS];

/** Grants expire, idle uploads end, stores collect their garbage, until nothing is due any more. */
export async function letTimePass(world: World, replicas: readonly Replica[], random: Random): Promise<void> {
  const { scheduler, plan } = world;
  let isOver = false;
  const work = async (): Promise<void> => {
    for (const pauseMs of PAUSES_MS) {
      await scheduler.sleep(pauseMs);
      await random.pick(replicas).lookAfterAll();
      if (await isQuiet(world)) break;
      if (plan.hasOperator && random.chance(0.1)) await random.pick(replicas).reconcile();
      await random.pick(replicas).replayParked();
    }
    for (const pauseMs of LAST_PAUSES_MS) {
      await scheduler.sleep(pauseMs);
      if (plan.hasOperator) await random.pick(replicas).reconcile();
      await random.pick(replicas).lookAfterAll();
      await random.pick(replicas).tidyUp();
    }
    isOver = true;
  };
  void work();
  await scheduler.run(() => isOver);
}

async function isQuiet({ history, rotations, database: { catalog } }: World): Promise<boolean> {
  const { unsentCount } = await catalog.outbox.status();
  if (unsentCount > 0) return false;
  for (const uploadId of history.uploadIds) {
    const row = await catalog.find(uploadId);
    const isOpen = !row || ['PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING'].includes(row.state);
    if (isOpen || row.nextAttemptAtEpochMs !== undefined) return false;
  }
  for (const [uploadId, rotationIds] of rotations.begun) {
    for (const rotationId of rotationIds) {
      const rotation = await catalog.rotations.find(uploadId, rotationId);
      if (rotation?.nextAttemptAtEpochMs !== undefined) return false;
    }
  }
  return true;
}
