import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CoordinatorFetch, createUploader, type UploadHandle, type UploadOptions } from '@longhaul/sdk';
import type { BatchCreateResponse } from '@longhaul/protocol';
import { startServers, type TestServers } from './support/start-servers.ts';

const MIB = 1024 ** 2;

let servers: TestServers;
/** Method and path of every call, ids left out. */
let calls: string[];

beforeEach(async () => {
  servers = await startServers();
  calls = [];
});

afterEach(async () => await servers.stop());

/** A coordinator that is seen, and maybe changed, on its way. */
type OnTheWay = (
  path: string,
  request: Request,
  pass: () => Promise<Response>,
) => Response | Promise<Response>;

function uploaderThrough(
  onTheWay: OnTheWay = (_path, _request, pass) => pass(),
): ReturnType<typeof createUploader> {
  const coordinator: CoordinatorFetch = async (request) => {
    const path = new URL(request.url).pathname.replace(/[0-9a-f-]{36}/, ':id').replace('/v1/uploads', '');
    calls.push(path);
    return await onTheWay(path, request, async () => await servers.coordinator(request));
  };
  return createUploader({ coordinator, retry: { baseDelayMs: 1, throttledBaseDelayMs: 1 } });
}

const smallFiles = (count: number): Uint8Array[] => Array.from({ length: count }, () => randomBytes(1_000));

async function expectAllStored(
  files: readonly Uint8Array[],
  uploads: readonly UploadHandle[],
): Promise<void> {
  const results = await Promise.all(uploads.map(async ({ result }) => await result));
  for (const [index, { key }] of results.entries()) {
    expect(Buffer.compare(await servers.read(key), files[index] ?? Buffer.of())).toBe(0);
  }
  expect(await servers.countObjects()).toBe(files.length);
}

describe('calls of many uploads', () => {
  it('travel together, each answered by itself', async () => {
    const files = smallFiles(120);
    const uploader = uploaderThrough();
    await expectAllStored(
      files,
      files.map((file) => uploader.upload(file)),
    );
    expect(calls.length).toBeLessThan(files.length / 2);
    expect(new Set(calls)).toContain('/batch');
  });

  it('travel together to completion as well, if the content went in one PUT', async () => {
    const files = Array.from({ length: 24 }, () => randomBytes(300_000));
    const uploader = uploaderThrough();
    await expectAllStored(
      files,
      files.map((file) => uploader.upload(file)),
    );
    expect(calls).toContain('/batch/complete');
    expect(calls.length).toBeLessThan(2 * files.length);
  });

  it('do not wait for a completion that may take minutes', async () => {
    const files = [randomBytes(6 * MIB), randomBytes(6 * MIB), randomBytes(6 * MIB), randomBytes(6 * MIB)];
    const coordinator = uploaderThrough();
    const uploads = files.map((file) => coordinator.upload(file));
    await Promise.all(uploads.map(async ({ result }) => await result));
    expect(calls).not.toContain('/batch/complete');
  });

  it('go at once and alone when there is only one', async () => {
    await uploaderThrough().upload(randomBytes(10)).result;
    expect(calls).toEqual(['']);
  });

  it('are refused one by one', async () => {
    const files = smallFiles(20);
    const uploader = uploaderThrough();
    const bad: UploadOptions = { metadata: { 'Not a name': 'x' } };
    const uploads = files.map((file, index) => uploader.upload(file, index === 7 ? bad : {}));
    const ends = await Promise.allSettled(uploads.map(async ({ result }) => await result));
    const failed = ends.flatMap((end, index) => (end.status === 'rejected' ? [{ index, ...end }] : []));
    expect(failed).toMatchObject([
      { index: 7, reason: { code: 'COORDINATOR_REFUSED', problem: { code: 'bad-request' } } },
    ]);
    expect(await servers.countObjects()).toBe(19);
  });

  it('are repeated one by one', async () => {
    const files = smallFiles(20);
    let spoilt = 0;
    const uploader = uploaderThrough(async (path, _request, pass) => {
      const response = await pass();
      if (path !== '/batch' || spoilt++) return response;
      const { uploads } = (await response.json()) as BatchCreateResponse;
      const problem = { status: 503, code: 'catalog-unavailable', detail: 'away', retryAfterSeconds: 0 };
      return Response.json({ uploads: [{ ok: false, problem }, ...uploads.slice(1)] });
    });
    await expectAllStored(
      files,
      files.map((file) => uploader.upload(file)),
    );
    expect(spoilt).toBeGreaterThan(0);
  });

  it('make one upload each when the coordinator dies before it has answered', async () => {
    const files = smallFiles(50);
    let died = 0;
    const uploader = uploaderThrough(async (path, _request, pass) => {
      const response = await pass();
      if (path === '/batch' && died++ < 1) throw new TypeError('fetch failed');
      return response;
    });
    await expectAllStored(
      files,
      files.map((file) => uploader.upload(file)),
    );
    expect(died).toBeGreaterThan(0);
  });

  it.each([
    ['knows no batches', () => Response.json({ code: 'route-not-found' }, { status: 404 })],
    ['is behind a proxy that takes no large bodies', () => new Response('<h1>413</h1>', { status: 413 })],
    ['answers something else', () => Response.json({ hello: 'world' })],
  ])('go one by one, and try no more, where the coordinator %s', async (_what, refuse) => {
    const files = smallFiles(40);
    const uploader = uploaderThrough((path, _request, pass) => (path === '/batch' ? refuse() : pass()));
    await expectAllStored(
      files,
      files.map((file) => uploader.upload(file)),
    );
    // Those that were under way when the first was refused.
    expect(calls.filter((path) => path === '/batch').length).toBeLessThanOrEqual(3);
  });

  it('are left by one that is aborted, and the others go on', async () => {
    const files = smallFiles(30);
    const controller = new AbortController();
    const uploader = uploaderThrough(async (path, _request, pass) => {
      if (path === '/batch') controller.abort(new Error('enough'));
      return await pass();
    });
    const uploads = files.map((file, index) =>
      uploader.upload(file, index === 20 ? { signal: controller.signal } : {}),
    );
    const ends = await Promise.allSettled(uploads.map(async ({ result }) => await result));
    expect(ends.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: new Error('enough') },
    ]);
  });

  it('end once nobody waits for them any more', async () => {
    const controller = new AbortController();
    const seen: AbortSignal[] = [];
    const uploader = uploaderThrough(async (path, request, pass) => {
      if (path !== '/batch') return await pass();
      seen.push(request.signal);
      return await new Promise((_resolve, reject) => {
        request.signal.addEventListener('abort', () => reject(request.signal.reason));
        controller.abort(new Error('enough'));
      });
    });
    const uploads = smallFiles(30).map((file) => uploader.upload(file, { signal: controller.signal }));
    await Promise.allSettled(uploads.map(async ({ result }) => await result));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every(({ aborted }) => aborted)).toBe(true);
  });
});
