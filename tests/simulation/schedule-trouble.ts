import type { UploadRecord } from '@longhaul/coordinator';
import { boundsOf } from '@longhaul/protocol';
import type { Replica } from './actors/replica.ts';
import type { FaultName } from './engine/faults.ts';
import { FOREIGN_TYPE, idIn } from './engine/observer.ts';
import type { createSimulatedState } from './store/simulated-state.ts';
import type { World } from './world.ts';

/** Arranges what goes wrong at its time, and what an operator does. */
export function scheduleTrouble(
  world: World,
  state: ReturnType<typeof createSimulatedState>,
  replicas: readonly Replica[],
): void {
  const { scheduler, random, plan, faults, history, s3 } = world;
  const strokes: Partial<Record<FaultName, () => void | Promise<void>>> = {
    'state flushed'() {
      state.flush();
      history.stateLost();
    },
    'state lost its last writes'() {
      state.loseLast(20_000);
      history.stateLost();
    },
    async 'object of somebody else at the key'() {
      const victim = (await openUploads(world)).find(({ mode }) => mode !== 'inline');
      if (!victim || s3.head(victim.s3Key)) return;
      const object = { key: victim.s3Key, contentType: FOREIGN_TYPE, metadata: {} };
      const sizeBytes = boundsOf(victim.plan).endBytes;
      const content = [{ kind: 'stretch', contentId: 'foreign', offsetBytes: 0, sizeBytes } as const];
      const { etag, versionId } = s3.putObject(object, content, false);
      // Whoever put it there takes it away again.
      scheduler.after(plan.healsAtMs - scheduler.nowMs(), () => {
        if (versionId !== undefined || s3.head(object.key)?.etag === etag) s3.delete(object.key, versionId);
      });
    },
    'upload ended by the bucket'() {
      const ours = s3
        .openUploads()
        .filter(({ key, isBuilding }) => history.uploadIds.has(idIn(key)) && !isBuilding);
      const victim = ours.length > 0 ? random.pick(ours) : undefined;
      if (!victim) return;
      history.doom(idIn(victim.key));
      s3.abort(victim);
    },
  };
  for (const { atMs, name } of plan.strokes) {
    scheduler.after(atMs, () => {
      faults.struck(name);
      void strokes[name]?.();
    });
  }
  for (const { name, fromMs, untilMs } of plan.windows) {
    if (name !== 'state read-only' && name !== 'state full') continue;
    scheduler.after(fromMs, () => {
      faults.struck(name);
      state.setTrouble(name === 'state full' ? 'full' : 'read-only');
    });
    scheduler.after(untilMs, () => state.setTrouble('none'));
  }
  for (const atMs of plan.killsAtMs) scheduler.after(atMs, () => random.pick(replicas).kill());
  for (const atMs of plan.operatesAtMs) {
    scheduler.after(atMs, () => {
      void random.pick(replicas).reconcile();
      void random.pick(replicas).replayParked();
    });
  }
}

/** Uploads that clients still send to. */
async function openUploads({ history, database: { catalog } }: World): Promise<readonly UploadRecord[]> {
  const rows = await Promise.all([...history.uploadIds].map((uploadId) => catalog.find(uploadId)));
  return rows.flatMap((row) => (row?.state === 'UPLOADING' ? row : []));
}
