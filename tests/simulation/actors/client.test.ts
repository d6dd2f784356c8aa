import { expect, it } from 'vitest';
import { createFaults } from '../engine/faults.ts';
import { createRandom } from '../engine/random.ts';
import { createScheduler } from '../engine/scheduler.ts';
import { createTally } from '../engine/tally.ts';
import { withVirtualGlobals } from '../engine/virtual-globals.ts';
import { createSimulatedS3 } from '../store/simulated-s3.ts';
import { STORE_TRAITS } from '../store/store-traits.ts';
import { type ClientPlan, createHints, startClient } from './client.ts';

it('edits no file under a run that lives, for the crash of one that has ended before', async () => {
  const scheduler = createScheduler();
  const random = createRandom('client');
  const faults = createFaults({ scheduler, random, tally: createTally() }, []);
  const s3 = createSimulatedS3({
    traits: STORE_TRAITS.strict,
    versioned: false,
    nowEpochMs: scheduler.nowEpochMs,
    randomUuid: random.uuid,
  });
  const file = {
    name: 'file',
    sizeBytes: 20 * 1024 ** 2,
    contentId: 'content/0',
    isUniform: false,
    lastModifiedEpochMs: 1_000,
  };
  const plan: ClientPlan = {
    name: 'client',
    owner: 'alice',
    file,
    hints: createHints(),
    startMs: 0,
    concurrency: 1,
    transferMs: 500,
    resume: true,
    // The first run is refused at once, and the second one has begun by then.
    crashes: [{ afterMs: 25_000, pauseMs: 1_000 }],
    abandons: false,
    editsWhileDead: true,
    clockErrorMs: 0,
  };
  const crashes = createTally();
  await withVirtualGlobals(scheduler, async () => {
    startClient(
      {
        scheduler,
        random,
        coordinators: { scheduler, random, faults, servers: () => [server] },
        parts: { scheduler, random, faults, s3 },
        isHealed: () => false,
        onCrash: () => crashes.count('client'),
        onFileChange: () => undefined,
        onSleep: () => undefined,
        onStreamBreak: () => undefined,
      },
      plan,
    );
    await scheduler.run(() => scheduler.nowMs() > 30_000);
  });
  expect(calls).toBeGreaterThan(1);
  expect([crashes.total, file]).toEqual([0, expect.not.objectContaining({ isEdited: true })]);
});

/** Refuses the first create, and leaves the next one without an answer. */
let calls = 0;
const server = {
  life: { isOver: false, end: () => undefined, onEnd: () => undefined },
  fetch: () =>
    calls++ === 0
      ? Response.json({ status: 403, code: 'quota-exceeded', title: 'no', detail: 'no' }, { status: 403 })
      : new Promise<Response>(() => {}),
};
