import { rm, truncate, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Browser, Page, Worker } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { expectStored } from './expect-stored.ts';
import type { TestOutcome, TestUploaderOptions } from './page/test-page-api.ts';
import type { TestServer } from './serve-on-free-port.ts';
import { type TestFile, writeTestFile } from './test-file.ts';
import { pickFiles, serveTestPage } from './test-page.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

const MIB = 1024 ** 2;
const PART = 5 * MIB;
/** Long, for a machine that is busy. */
const WAIT = { timeout: 20_000 };

/** A worker that says that it is there, and then hangs. */
const HANGING = 'postMessage({ moved: new Map() }); onmessage = () => { for (;;); };';

let browser: Browser;
let world: UploadWorld;
let pageServer: TestServer;
let page: Page;
let pageErrors: Error[];

const options = (more: Partial<TestUploaderOptions> = {}): TestUploaderOptions => ({
  coordinator: world.coordinatorUrl,
  partSizeBytes: PART,
  ...more,
});

async function write(name: string, sizeBytes: number, kind?: 'zeros'): Promise<TestFile> {
  return await writeTestFile(world.folder, name, { sizeBytes, ...(kind && { kind }) });
}

async function start(
  files: readonly TestFile[],
  more?: Partial<TestUploaderOptions>,
): Promise<readonly number[]> {
  await pickFiles(page, files);
  return await page.evaluate((given) => testPage.start(given), options(more));
}

const outcome = (upload: number): Promise<TestOutcome> => page.evaluate((id) => testPage.outcome(id), upload);
const whenStored = (upload: number, count: number): Promise<void> =>
  page.evaluate(([id, wanted]) => testPage.whenStored(id, wanted), [upload, count] as const);

async function upload(file: TestFile, more?: Partial<TestUploaderOptions>): Promise<TestOutcome> {
  const [id = -1] = await start([file], more);
  return await outcome(id);
}

describe.skipIf(!CHROMIUM)('uploads from a page (needs LONGHAUL_TEST_CHROMIUM)', () => {
  beforeAll(async () => {
    [browser, world, pageServer] = await Promise.all([launchChromium(), startUploadWorld(), serveTestPage()]);
  });
  afterAll(async () => {
    await browser?.close();
    await pageServer?.close();
    await world?.close();
  });
  beforeEach(async () => {
    page = await browser.newPage();
    pageErrors = [];
    page.on('pageerror', (error) => pageErrors.push(error));
    await page.goto(pageServer.url);
  });
  afterEach(async () => {
    world.setFault(undefined);
    await page.context().close();
    expect(pageErrors).toEqual([]);
  });

  it.each([
    ['in workers', '/', 2],
    ['by itself where it may have none', '/without-workers', 0],
  ])('digests what it sends %s, and finds what was damaged', async (_how, path, workerCount) => {
    await page.goto(new URL(path, pageServer.url).href);
    const workers: unknown[] = [];
    page.on('worker', (worker) => isNamed('checksum-worker.js')(worker) && workers.push(worker));
    let damagedCount = 0;
    world.setFault(async (request, pass) => {
      const isFirst = request.method === 'PUT' && damagedCount++ === 0;
      if (!isFirst) return await pass();
      // What a bad wire does to a body that was digested: the store says so.
      const digest = { 'x-amz-checksum-crc32': 'AAAAAA==' };
      await pass();
      return new Response('<Error><Code>BadDigest</Code></Error>', { status: 400, headers: digest });
    });
    const file = await write('digested.bin', 3 * PART + 1);
    const done = await upload(file, { retry: { baseDelayMs: 1 } });
    await expectStored(world, file, done);
    expect(done.result).toMatchObject({ proof: 'checksum', partCount: 4 });
    expect([workers.length, damagedCount]).toEqual([workerCount, 5]);
  });

  it.each([
    ['is not there', { status: 404 }],
    ['falls silent', { contentType: 'text/javascript', body: 'for (;;);' }],
    ['ends by itself', { contentType: 'text/javascript', body: 'close();' }],
  ])('digests by itself when its worker %s', { timeout: 60_000 }, async (what, answer) => {
    await page.route('**/checksum-worker.js', async (route) => await route.fulfill(answer));
    const file = await write(`${what}.bin`, 3 * PART + 1);
    const done = await upload(file);
    await expectStored(world, file, done);
    expect(done.result).toMatchObject({ proof: 'checksum', partCount: 4 });
    // Chromium takes a while to end one that never rests.
    await expect
      .poll(() => page.workers().filter(isNamed('checksum-worker.js')), { timeout: 5_000 })
      .toEqual([]);
  });

  it('sends from a worker once that is loaded, and takes what the store refuses like any other', async () => {
    const file = await write('aside.bin', 12 * PART + 1);
    const failed = new Set<string>();
    world.setFault(async (request, pass) => {
      if (request.method !== 'PUT' || failed.has(request.url) || failed.size >= 6) return await pass();
      failed.add(request.url);
      await request.arrayBuffer();
      return s3Error(503, 'SlowDown');
    });
    const done = await upload(file, { concurrency: 2, retry: { baseDelayMs: 1, throttledBaseDelayMs: 1 } });
    await expectStored(world, file, done);
    expect(done.sentBytes).toEqual(done.sentBytes.toSorted((a, b) => a - b));
    expect(done.sentBytes.at(-1)).toBe(file.sizeBytes);
    // The page's own; it does not see those of workers.
    const puts = await page.evaluate(
      () =>
        performance.getEntriesByType('resource').filter(({ name }) => name.includes('partNumber=')).length,
    );
    expect(puts).toBeLessThan(12);
    expect(failed.size).toBe(6);
    expect(page.workers().filter(isNamed('sending-worker.js'))).toHaveLength(1);
  });

  it.each([
    ['is not there', { status: 404 }],
    ['never says a word', { contentType: 'text/javascript', body: 'for (;;);' }],
    ['falls silent', { contentType: 'text/javascript', body: HANGING }],
  ])('sends by itself when its worker %s', { timeout: 60_000 }, async (what, answer) => {
    await page.route('**/sending-worker.js', async (route) => await route.fulfill(answer));
    const file = await write(`sent ${what}.bin`, 8 * PART);
    const done = await upload(file, { concurrency: 2, integrity: false });
    await expectStored(world, file, done);
    await expect.poll(() => page.workers(), WAIT).toEqual([]);
  });

  it('leaves off in its worker when it is cancelled or paused', async () => {
    const file = await write('left off.bin', 12 * PART);
    let puts = 0;
    let held = 0;
    let cut = 0;
    world.setFault(async (request, pass) => {
      if (request.method !== 'PUT' || ++puts <= 6) return await pass();
      held++;
      request.signal.addEventListener('abort', () => cut++);
      // A server that does not read does not see either that nobody writes any more.
      await request.arrayBuffer();
      return await new Promise(() => {});
    });
    const [id = -1] = await start([file], { concurrency: 2 });
    await expect.poll(() => held, WAIT).toBe(2);
    await page.evaluate((given) => testPage.pause(given), id);
    await expect.poll(() => cut, WAIT).toBe(2);
    await page.evaluate((given) => testPage.resume(given), id);
    await expect.poll(() => held, WAIT).toBe(4);
    expect(await page.evaluate((given) => testPage.cancel(given), id)).toBe('cancelled');
    await expect.poll(() => cut, WAIT).toBe(4);
  });

  it.each([
    ['nothing', 0],
    ['one byte', 1],
    ['a byte less than a part', PART - 1],
    ['exactly a part', PART],
    ['exactly three parts', 3 * PART],
    ['three parts and a byte', 3 * PART + 1],
  ])('stores a file of %s (%i B) byte for byte', async (name, sizeBytes) => {
    const file = await write(`${name}.bin`, sizeBytes);
    const done = await upload(file);
    await expectStored(world, file, done);
    expect(done.result?.partCount).toBe(Math.max(1, Math.ceil(sizeBytes / PART)));
    expect(done.states.at(-1)).toBe('completed');
  });

  it('stores a byte by one PUT when nothing may travel inside the create call', async () => {
    const file = await write('put.bin', 1);
    const putsBefore = world.putCount;
    await expectStored(world, file, await upload(file, { inlineMaxBytes: 0 }));
    expect(world.putCount - putsBefore).toBe(1);
  });

  it('keeps all parts of a zero-filled file, although they have one ETag', async () => {
    const file = await write('zeros.bin', 4 * PART + 7, 'zeros');
    const done = await upload(file);
    await expectStored(world, file, done);
    expect(done.result?.partCount).toBe(5);
  });

  it('stores several files at once, through one uploader', async () => {
    const sizes = [0, 1, PART - 1, 2 * PART + 3, 3 * PART, 6 * PART + 1];
    const files = await Promise.all(sizes.map((sizeBytes, index) => write(`many-${index}.bin`, sizeBytes)));
    const ids = await start(files);
    const outcomes = await Promise.all(ids.map(outcome));
    for (const [index, file] of files.entries()) await expectStored(world, file, outcomes[index]!);
    expect(new Set(outcomes.map(({ result }) => result?.key)).size).toBe(files.length);
  });

  it.each([
    'Grüße, 世界 🚚.txt',
    `it's "quoted" & <b>bold<b>;.txt`,
    '..name with ../dots',
    'ünïcode\u0301 ‮.bin'.repeat(9),
  ])('stores a file called %j', async (name) => {
    // The file system knows no slash in a name: the page gives it one.
    const file = await write(name.replaceAll('/', '_'), 300 * 1024);
    const done = await upload(file, { upload: { name } });
    await expectStored(world, file, done);
  });

  it('takes the name and the type from the file', async () => {
    const file = await write('Straße "1".txt', PART + 1);
    const done = await upload(file);
    const stored = await world.read(done.result?.key ?? '');
    expect(stored.contentType).toBe('text/plain');
    expect(JSON.stringify(stored.metadata)).toContain('node-id');
    expect(done.result?.key).not.toContain(basename(file.path));
  });

  it.each(['Blob', 'ArrayBuffer', 'Uint8Array'] as const)('stores bytes given as %s', async (kind) => {
    const id = await page.evaluate(
      ([given, kindOf, sizeBytes]) => testPage.startBytes(given, kindOf, sizeBytes),
      [options({ upload: { name: kind } }), kind, 300_000] as const,
    );
    const { result, error } = await outcome(id);
    expect(error).toBeUndefined();
    expect((await world.read(result?.key ?? '')).sizeBytes).toBe(300_000);
  });

  it('tells progress that never goes back and ends at the size, also when parts are sent again', async () => {
    const file = await write('progress.bin', 6 * PART);
    const failed = new Set<string>();
    world.setFault(async (request, pass) => {
      if (request.method !== 'PUT' || failed.size >= 3 || failed.has(request.url)) return await pass();
      failed.add(request.url);
      await request.arrayBuffer();
      return s3Error(500, 'InternalError');
    });
    const done = await upload(file, { retry: { baseDelayMs: 1 } });
    await expectStored(world, file, done);
    expect(failed.size).toBe(3);
    expect(done.sentBytes).toEqual(done.sentBytes.toSorted((a, b) => a - b));
    expect(done.sentBytes.at(-1)).toBe(file.sizeBytes);
  });

  it('sends again what a store in trouble has refused, whatever it answered', async () => {
    const file = await write('trouble.bin', 4 * PART);
    const answers = [s3Error(503, 'SlowDown'), s3Error(500, 'InternalError'), s3Error(400, 'RequestTimeout')];
    world.setFault(async (request, pass) => {
      const refusal = request.method === 'PUT' ? answers.shift() : undefined;
      if (!refusal) return await pass();
      await request.arrayBuffer();
      return refusal;
    });
    const done = await upload(file, { retry: { baseDelayMs: 1, throttledBaseDelayMs: 1 } });
    await expectStored(world, file, done);
    expect(answers).toEqual([]);
  });

  it('sends again what got no readable answer: a refusal without CORS headers', async () => {
    const file = await write('blind.bin', 2 * PART);
    let left = 2;
    world.setFault(async (request, pass) => {
      if (request.method !== 'PUT' || left-- <= 0) return await pass();
      await request.arrayBuffer();
      return new Response('<Error><Code>AccessDenied</Code></Error>', { status: 403 });
    });
    await expectStored(world, file, await upload(file, { retry: { baseDelayMs: 1 } }));
  });

  it('gives up a connection on which nothing moves, and sends the part again', async () => {
    const file = await write('stall.bin', 2 * PART);
    let stalled = 0;
    world.setFault(async (request, pass) => {
      if (request.method !== 'PUT' || stalled++ > 0) return await pass();
      return await new Promise(() => {});
    });
    const done = await upload(file, { stallTimeoutMs: 2_000, retry: { baseDelayMs: 1 } });
    await expectStored(world, file, done);
  });

  it('completes where CORS hides the ETag', async () => {
    const file = await write('hidden.bin', 3 * PART + 1);
    world.setFault(async (_request, pass) => without(await pass(), 'access-control-expose-headers'));
    await expectStored(world, file, await upload(file));
  });

  it('fails with a word about CORS when the bucket does not allow the page', async () => {
    const file = await write('denied.bin', 2 * PART);
    world.setFault(async (_request, pass) => without(await pass(), 'access-control-allow-origin'));
    const { error } = await upload(file, { retry: { maxAttempts: 2, baseDelayMs: 1 } });
    expect(error).toMatchObject({ name: 'UploadError', code: 'STORE_UNREACHABLE' });
    expect(error?.message).toContain('CORS');
    expect(error?.message).toContain('127.0.0.1');
    expect(error?.message).not.toContain('X-Amz-Signature');
  });

  it('says which one does not answer when the coordinator is gone', async () => {
    const file = await write('alone.bin', 10);
    const gone = await serveTestPage();
    await gone.close();
    const { error } = await upload(file, {
      coordinator: gone.url,
      retry: { maxAttempts: 2, baseDelayMs: 1 },
    });
    expect(error).toMatchObject({ name: 'UploadError', code: 'COORDINATOR_UNREACHABLE' });
    expect(error?.message).toContain(gone.url);
  });

  it.each([
    ['rewritten', async (path: string) => await writeFile(path, Buffer.alloc(8 * PART, 1))],
    ['truncated', async (path: string) => await truncate(path, PART)],
    ['removed', async (path: string) => await rm(path)],
  ])(
    'fails with FILE_CHANGED when the file is %s on the way, and completes nothing',
    async (what, change) => {
      const file = await write(`${what}.bin`, 8 * PART);
      // Parts after the first two wait until the file has been changed.
      const changed = Promise.withResolvers<void>();
      let puts = 0;
      world.setFault(async (request, pass) => {
        if (request.method === 'PUT' && ++puts > 2) await changed.promise;
        return await pass();
      });
      const [id = -1] = await start([file], { concurrency: 2, retry: { maxAttempts: 3, baseDelayMs: 1 } });
      await whenStored(id, 1);
      await change(file.path);
      changed.resolve();
      const { error, states } = await outcome(id);
      expect(error).toMatchObject({ name: 'UploadError', code: 'FILE_CHANGED' });
      expect(states).not.toContain('completed');
    },
  );

  it('cancels: nothing more is sent, and the store keeps no part', async () => {
    const file = await write('cancel.bin', 8 * PART);
    const held = Promise.withResolvers<void>();
    let puts = 0;
    world.setFault(async (request, pass) => {
      if (request.method === 'PUT' && ++puts > 2) await held.promise;
      return await pass();
    });
    const [id = -1] = await start([file], { concurrency: 2 });
    await whenStored(id, 2);
    const cancelled = page.evaluate((given) => testPage.cancel(given), id);
    expect(await cancelled).toBe('cancelled');
    held.resolve();
    const { error, states, uploadId } = await outcome(id);
    expect(error).toMatchObject({ code: 'CANCELLED' });
    expect(states.at(-1)).toBe('cancelled');
    const open = await world.objectStore.listMultipartUploads({ prefix: '' });
    expect(open.filter(({ key }) => key.includes(uploadId ?? '?'))).toEqual([]);
  });

  it('goes on where it stopped after an abort, and after a reload of the page', async () => {
    const file = await write('resume.bin', 6 * PART);
    const held = Promise.withResolvers<void>();
    let puts = 0;
    world.setFault(async (request, pass) => {
      if (request.method === 'PUT' && ++puts > 2) await held.promise;
      return await pass();
    });
    const [id = -1] = await start([file], { concurrency: 2 });
    await whenStored(id, 2);
    await page.evaluate((given) => testPage.abort(given), id);
    const stopped = await outcome(id);
    expect(stopped.error).toMatchObject({ name: 'AbortError' });
    expect(stopped.states.at(-1)).toBe('stopped');

    world.setFault(undefined);
    held.resolve();
    await page.reload();
    const done = await upload(file, { concurrency: 2 });
    await expectStored(world, file, done);
    expect(done.resumedParts).toBeGreaterThanOrEqual(2);
    expect(done.result?.partCount).toBe(6);
  });
});

function isNamed(name: string): (worker: Worker) => boolean {
  return (worker) => basename(worker.url()) === name;
}

function s3Error(status: number, code: string): Response {
  return new Response(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>made up</Message></Error>`, {
    status,
    headers: { 'content-type': 'application/xml', 'access-control-allow-origin': '*' },
  });
}

function without(answer: Response, header: string): Response {
  const headers = new Headers(answer.headers);
  headers.delete(header);
  return new Response(answer.body, { status: answer.status, headers });
}
