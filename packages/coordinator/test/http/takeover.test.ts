import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { CreateUploadResponse } from '@longhaul/protocol';
import { startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';
import { createVolatileState } from '../support/volatile-state.ts';

const MIB = 1024 ** 2;

let coordinator: TestCoordinator;
afterEach(() => coordinator.close());

const file = { sizeBytes: 11 * MIB, mode: 'multipart', fingerprint: 'a'.repeat(64) } as const;
const revoked = { status: 403, problem: { code: 'token-invalid' } };

describe.each(['the catalog’s row', 'a record of its own'])('takeover, with %s as hot state', (state) => {
  const start = async () => {
    const own = createVolatileState();
    coordinator = await startCoordinator(state === 'a record of its own' ? { state: own } : {});
    return own;
  };

  async function expectOnly(good: CreateUploadResponse, bad: CreateUploadResponse): Promise<void> {
    expect(await coordinator.parts(bad, {})).toMatchObject(revoked);
    expect(await coordinator.complete(bad)).toMatchObject(revoked);
    expect(await coordinator.cancel(bad)).toMatchObject(revoked);
    expect((await coordinator.parts(good, {})).status).toBe(200);
  }

  it('by the same createId leaves older tokens outside', async () => {
    await start();
    const request = { ...file, createId: randomUUID() };
    const first = await coordinator.create(request);
    const second = await coordinator.create({ ...request, takeover: true });
    expect(second.uploadId).toBe(first.uploadId);
    await expectOnly(second, first);
  });

  it('by the same content does so too, and a resume without it does not', async () => {
    await start();
    const first = await coordinator.create(file);
    const beside = await coordinator.create(file);
    expect((await coordinator.parts(first, {})).status).toBe(200);
    const over = await coordinator.create({ ...file, takeover: true });
    expect(over.uploadId).toBe(first.uploadId);
    await expectOnly(over, beside);
    await expectOnly(over, first);
  });

  it('is heard of by hot state that has missed it', async () => {
    const own = await start();
    const request = { ...file, createId: randomUUID() };
    const first = await coordinator.create(request);
    const stale = await own.find(first.uploadId);
    const second = await coordinator.create({ ...request, takeover: true });
    if (stale) {
      await own.remove(first.uploadId);
      await own.restore(stale, []);
    }
    expect((await coordinator.parts(second, {})).status).toBe(200);
    await expectOnly(second, first);
  });
});

it.each(['of an upload that the store does not know yet', 'of one that takes parts'])(
  'of two takeovers at once %s one goes on',
  async (which) => {
    const held = Promise.withResolvers<void>();
    let opened = 0;
    coordinator = await startCoordinator({
      wrapStore: (store) => ({
        ...store,
        // Until both have taken over, so that both find the row of the later one.
        createMultipartUpload: async (input) => {
          opened += 1;
          if (which.includes('yet')) await held.promise;
          return await store.createMultipartUpload(input);
        },
      }),
    });
    const request = { ...file, createId: randomUUID() };
    const first = coordinator.create(request);
    if (!which.includes('yet')) await first;
    else await expect.poll(() => opened).toBe(1);
    const rivals = [1, 2, 3].map(() => coordinator.create({ ...request, takeover: true }));
    if (which.includes('yet')) await expect.poll(() => opened).toBe(4);
    held.resolve();
    const statuses = [];
    for (const upload of [await first, ...(await Promise.all(rivals))])
      statuses.push((await coordinator.parts(upload, {})).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses[0]).toBe(403);
  },
);

it('a takeover of nothing is a create', async () => {
  coordinator = await startCoordinator();
  const upload = await coordinator.create({ ...file, takeover: true });
  expect(upload.resumed).toBe(false);
  expect((await coordinator.parts(upload, {})).status).toBe(200);
});
