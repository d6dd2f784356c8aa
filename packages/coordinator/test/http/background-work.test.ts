import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type BackgroundWork,
  type CoordinatorOptions,
  type ObjectStore,
  relay,
  startBackgroundWork,
  sweep,
} from '../../src/index.ts';
import { partsDigestOf } from '../../src/lib/uploads/parts-digest.ts';
import { createSqliteStore, type SqliteStore } from '../../src/sqlite.ts';
import { systemClock } from '../../src/lib/system-clock.ts';
import { createMovingClock, type MovingClock } from '../support/moving-clock.ts';
import { sendParts, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;
const HOUR = 3600;
const content = randomBytes(6 * MIB);
const inParts = { sizeBytes: content.byteLength, partSizeBytes: 5 * MIB, mode: 'multipart' } as const;

let clock: MovingClock;
let memory: SqliteStore;
let coordinator: TestCoordinator;
let options: CoordinatorOptions;
let work: BackgroundWork | undefined;

beforeEach(async () => {
  work = undefined;
  // Whoever waits for long waits a moment.
  const sleep: MovingClock['sleep'] = (delayMs, signal) => systemClock.sleep(Math.min(delayMs, 20), signal);
  clock = { ...createMovingClock(), sleep };
  memory = createSqliteStore({ path: ':memory:', nowEpochMs: clock.nowEpochMs });
  await memory.catalog.migrate();
  coordinator = await startCoordinator({ ...memory, clock });
  options = {
    ...memory,
    clock,
    objectStore: coordinator.objectStore,
    tokenKeys: ['a key for tests that is long enough'],
  };
});
afterEach(async () => {
  await work?.stop();
  await coordinator.close();
});

const withStore = (changes: Partial<ObjectStore>): CoordinatorOptions => ({
  ...options,
  objectStore: { ...options.objectStore, ...changes },
});
const stateOf = async (uploadId: string) => (await memory.catalog.find(uploadId))?.state;

describe('work in the background', () => {
  it('claims nothing more once it shall stop', async () => {
    const uploads = await Promise.all(Array.from({ length: 60 }, () => coordinator.create({ sizeBytes: 3 })));
    clock.pass(73 * HOUR);
    let stopped: Promise<void> | undefined;
    work = startBackgroundWork(
      withStore({
        headObject: async (ref) => {
          stopped ??= work?.stop();
          return await options.objectStore.headObject(ref);
        },
      }),
    );
    await vi.waitUntil(() => stopped !== undefined);
    await stopped;
    const states = await Promise.all(uploads.map(({ uploadId }) => stateOf(uploadId)));
    expect(states.filter((state) => state === 'EXPIRED')).toHaveLength(50);
  });

  it('looks after others while the store takes its time to complete an upload', async () => {
    const [slow, idle] = [await coordinator.create(inParts), await coordinator.create(inParts)];
    await sendParts(coordinator, slow, content);
    const partsDigest = partsDigestOf(await memory.state.parts(slow.uploadId));
    await memory.catalog.beginCompletion(slow.uploadId, { partsDigest, redriveAfterMs: 0 });
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const { objectStore } = options;
    work = startBackgroundWork(
      withStore({
        completeMultipartUpload: async (input) => {
          ask();
          await answered;
          return await objectStore.completeMultipartUpload(input);
        },
      }),
      { sweepEveryMs: 10 },
    );
    await asked;
    clock.pass(73 * HOUR);
    await vi.waitUntil(async () => (await stateOf(idle.uploadId)) === 'EXPIRED');
    expect(await stateOf(slow.uploadId)).toBe('COMPLETING');
    answer();
    await vi.waitUntil(async () => (await stateOf(slow.uploadId)) === 'COMPLETED');
  });

  // A timer that cannot hold its time fires at once, for ever.
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
    'refuses a pause of %d ms',
    (pauseMs) => {
      for (const name of ['sweepEveryMs', 'relayEveryMs', 'tidyEveryMs'])
        expect(() => startBackgroundWork(options, { [name]: pauseMs })).toThrow(
          new RegExp(`${name} must be`),
        );
    },
  );
});

describe('a limit', () => {
  it.each([-1, 1.5, Number.NaN])('of %d is refused', async (limit) => {
    await expect(sweep(options, { limit })).rejects.toThrow(/limit must be/);
    await expect(relay(options, { limit })).rejects.toThrow(/limit must be/);
  });

  it('may be none', async () => {
    const { uploadId } = await coordinator.create(inParts);
    clock.pass(73 * HOUR);
    expect(await sweep(options, { limit: Number.POSITIVE_INFINITY })).toMatchObject({ expired: 1 });
    expect(await stateOf(uploadId)).toBe('EXPIRED');
  });
});
