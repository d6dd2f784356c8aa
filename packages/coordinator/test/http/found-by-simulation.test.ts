import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type ObjectStore, sweep } from '../../src/index.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import { createMovingClock } from '../support/moving-clock.ts';
import {
  put,
  startCoordinator,
  type TestCoordinator,
  type TestOptions,
} from '../support/start-coordinator.ts';

// Bugs that the simulation has shown, each as short as it can be told.

let coordinator: TestCoordinator;
afterEach(async () => {
  await coordinator.close();
});

const inline = (): { createId: string; name: string; sizeBytes: number; payload: string } => ({
  createId: randomUUID(),
  name: 'note.txt',
  sizeBytes: 3,
  payload: Buffer.from('abc').toString('base64'),
});

/** A store to which PutObject gets through only after so many calls. */
function losing(calls: number): TestOptions['wrapStore'] {
  let left = calls;
  return (store): ObjectStore => ({
    ...store,
    putObject: async (object) =>
      left-- > 0 ? { kind: 'unknown', reason: 'ECONNRESET' } : await store.putObject(object),
  });
}

describe('an inline payload that was lost on its way', () => {
  it('is asked for again, and stored then', async () => {
    coordinator = await startCoordinator({ wrapStore: losing(1)!, completionRedriveAfterSeconds: 1 });
    const body = inline();
    const lost = await coordinator.call('POST', '/v1/uploads', { body });
    expect(lost).toMatchObject({ status: 503, problem: { code: 'store-unreachable' } });
    await expect
      .poll(() => coordinator.call('POST', '/v1/uploads', { body }), { timeout: 10_000, interval: 300 })
      .toMatchObject({ status: 201, answer: { state: 'COMPLETED' } });
  });

  it('has failed once nobody sends it again', async () => {
    const clock = createMovingClock();
    const memory = createSqliteStore({ path: ':memory:', nowEpochMs: clock.nowEpochMs });
    await memory.catalog.migrate();
    const wrapStore = losing(Infinity)!;
    coordinator = await startCoordinator({ ...memory, clock, wrapStore });
    await coordinator.call('POST', '/v1/uploads', { body: inline() });
    const tokenKeys = ['a key for tests that is long enough'];
    const options = { ...memory, clock, objectStore: wrapStore(coordinator.objectStore), tokenKeys };
    for (let round = 0; round < 3; round++) {
      clock.pass(1_000);
      await sweep(options);
    }
    expect(await memory.catalog.oldestOpenCreatedAtEpochMs()).toBeUndefined();
    await memory.catalog.close();
  });
});

it('answers a create with the upload that somebody completes meanwhile', async () => {
  const memory = createSqliteStore({ path: ':memory:' });
  await memory.catalog.migrate();
  let meanwhile = (): Promise<unknown> => Promise.resolve();
  const catalog: typeof memory.catalog = {
    ...memory.catalog,
    async recordGrant(...values) {
      await meanwhile();
      return await memory.catalog.recordGrant(...values);
    },
  };
  coordinator = await startCoordinator({ ...memory, catalog });
  const request = { createId: randomUUID(), mode: 'single', sizeBytes: 3 } as const;
  const upload = await coordinator.create(request);
  await put(upload.grants[0]!, Buffer.from('abc'));
  meanwhile = () => coordinator.complete(upload);
  expect(await coordinator.create(request)).toMatchObject({ state: 'COMPLETED', grants: [] });
  await memory.catalog.close();
});

it('takes the id of the installation in a key template', async () => {
  coordinator = await startCoordinator({ keyTemplate: 'longhaul/{installationId}/{connectorId}/{nodeId}' });
  const { answer } = await coordinator.call<{ result: { key: string } }>('POST', '/v1/uploads', {
    body: inline(),
  });
  expect(answer.result.key).toMatch(/^longhaul\/[0-9a-f-]{36}\/default\/[0-9a-f-]{36}$/);
});
