import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { CreateUploadRequest } from '@longhaul/protocol';
import { startCoordinator, type TestCoordinator, type TestOptions } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;

let coordinator: TestCoordinator;
afterEach(() => coordinator.close());

const authorize = (request: Request): string => request.headers.get('x-user') ?? 'ann';

async function start(options: TestOptions): Promise<void> {
  coordinator = await startCoordinator({ authorize, ...options });
}

function createAs(user: string, request: Partial<CreateUploadRequest> = {}) {
  return coordinator.call('POST', '/v1/uploads', {
    body: { createId: randomUUID(), name: 'x', sizeBytes: 10, ...request },
    headers: { 'x-user': user },
  });
}

const over = { status: 403, problem: { code: 'quota-exceeded' } };

describe('quotas', () => {
  it('refuse one more open upload, until one has ended; nobody else’s are counted', async () => {
    await start({ maxOpenUploadsPerOwner: 2 });
    const one = await coordinator.create({ mode: 'multipart', sizeBytes: 6 * MIB });
    await coordinator.create();
    const refused = await createAs('ann');
    expect(refused).toMatchObject(over);
    expect(refused.problem.detail).toContain('2 open uploads. Finish or cancel');
    expect((await createAs('bob')).status).toBe(201);
    await coordinator.cancel(one);
    expect((await createAs('ann')).status).toBe(201);
  });

  it('leave nothing of a refused create at the store', async () => {
    await start({ maxOpenBytesPerOwner: 5 * MIB });
    expect(await createAs('ann', { sizeBytes: 6 * MIB, mode: 'multipart' })).toMatchObject(over);
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
  });

  it('count what is stored', async () => {
    await start({ maxBytesPerOwner: 10 });
    const payload = Buffer.alloc(8).toString('base64');
    expect((await createAs('ann', { sizeBytes: 8, payload })).status).toBe(201);
    expect(await createAs('ann', { sizeBytes: 8, payload })).toMatchObject(over);
    expect((await createAs('ann', { sizeBytes: 2, payload: 'AAA=' })).status).toBe(201);
  });

  it('judge each item of a batch by itself', async () => {
    await start({ maxOpenUploadsPerOwner: 2 });
    const uploads = Array.from({ length: 4 }, () => ({ createId: randomUUID(), name: 'x', sizeBytes: 1 }));
    const { answer } = await coordinator.call<{ uploads: { ok: boolean }[] }>('POST', '/v1/uploads/batch', {
      body: { uploads },
    });
    expect(answer.uploads.filter(({ ok }) => ok)).toHaveLength(2);
  });

  it('count an upload of unknown size by the parts that are signed', async () => {
    await start({ maxOpenBytesPerOwner: 10 * MIB });
    const stream = await coordinator.create({ sizeBytes: null, partSizeBytes: 5 * MIB });
    const sign = (partNumber: number) =>
      coordinator.parts(stream, { sign: [{ partNumber, sizeBytes: 5 * MIB }] });
    expect((await sign(1)).answer.grants).toHaveLength(1);
    expect((await sign(2)).answer.grants).toHaveLength(1);
    expect(await sign(3)).toMatchObject(over);
    expect((await sign(2)).status).toBe(200);
    expect(await createAs('ann', { sizeBytes: 1 })).toMatchObject(over);
  });

  it('are what the hook says for an owner, and for the rest what the settings say', async () => {
    const quotaFor = async (owner: string) =>
      owner === 'rich' ? { maxOpenUploads: Infinity } : owner === 'poor' ? { maxOpenUploads: 0 } : {};
    await start({ maxOpenUploadsPerOwner: 1, quotaFor });
    for (const [user, ...statuses] of [
      ['rich', 201, 201],
      ['poor', 403],
      ['ann', 201, 403],
    ] as const) {
      for (const status of statuses) expect((await createAs(user)).status).toBe(status);
    }
  });

  it.each([NaN, -1, '5', null])('of %s from a hook are a mistake, and no upload', async (most) => {
    await start({ quotaFor: () => ({ maxBytes: most as number }), onError: () => undefined });
    expect(await createAs('ann')).toMatchObject({ status: 500, problem: { code: 'internal-error' } });
  });
});

describe('allowedContentTypes', () => {
  const refused = { status: 415, problem: { code: 'content-type-refused' } };

  it.each([
    ['image/png', 201],
    ['IMAGE/PNG; charset=x', 201],
    ['text/plain;charset=utf-8', 201],
    ['text/html', 415],
    ['imagex/png', 415],
    ['image', 400],
    [undefined, 415],
    // Browsers take the last media type of a list, wherever it stands: this one is a page that runs scripts.
    ['image/png;codecs=a,text/html', 415],
    ['image/png;codecs="a,text/html"', 415],
    ['image/png;codecs=a,IMAGE/gif', 201],
    ['image/png;codecs=vp9,opus', 201],
  ])('with image/* and text/plain, a create of %s answers %d', async (contentType, status) => {
    await start({ allowedContentTypes: ['image/*', 'Text/Plain'] });
    const answered = await createAs('ann', contentType === undefined ? {} : { contentType });
    expect(answered.status).toBe(status);
    if (status === 415) expect(answered).toMatchObject(refused);
  });

  it('are checked when the coordinator is made', async () => {
    await start({});
    for (const wrong of ['*', '*/*', 'image', 'image/png; x=y', ''])
      await expect(startCoordinator({ allowedContentTypes: [wrong] })).rejects.toThrow('allowedContentTypes');
  });
});
