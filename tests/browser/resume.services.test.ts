import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, crash, launchChromium, launchWithProfile } from './chromium.ts';
import { expectStored } from './expect-stored.ts';
import { drive } from './page-driver.ts';
import type { TestUploaderOptions } from './page/test-page-api.ts';
import type { TestServer } from './serve-on-free-port.ts';
import { type TestFile, writeTestFile } from './test-file.ts';
import { serveTestPage } from './test-page.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

const MIB = 1024 ** 2;
const PART = 5 * MIB;
const PARTS = 8;
const IN_FLIGHT = 2;

let browser: Browser;
let world: UploadWorld;
let pageServer: TestServer;
let context: BrowserContext;
let page: Page;

const options = (more: Partial<TestUploaderOptions> = {}): TestUploaderOptions => ({
  coordinator: world.coordinatorUrl,
  partSizeBytes: PART,
  concurrency: IN_FLIGHT,
  ...more,
});

const write = async (name: string): Promise<TestFile> =>
  await writeTestFile(world.folder, name, { sizeBytes: PARTS * PART });

/** Lets `count` PUTs through and holds the others, until it is let go. */
function holdPutsAfter(count: number): () => void {
  const held = Promise.withResolvers<void>();
  let puts = 0;
  world.setFault(async (request, pass) => {
    if (request.method === 'PUT' && ++puts > count) await held.promise;
    return await pass();
  });
  return () => {
    world.setFault(undefined);
    held.resolve();
  };
}

async function openPage(where: BrowserContext = context): Promise<Page> {
  const opened = await where.newPage();
  await opened.goto(pageServer.url);
  return opened;
}

/** Starts an upload of which three parts arrive and the others are held, and sees them arrive. */
async function startHeld(file: TestFile, tab: Page = page): Promise<() => void> {
  const letGo = holdPutsAfter(3);
  const upload = await drive(tab).start(file, options());
  await drive(tab).whenStored(upload, 3);
  return letGo;
}

/** Picks the file again and finishes its upload. Only what was under way may be sent twice. */
async function finish(file: TestFile, tab: Page): Promise<void> {
  const putsBefore = world.putCount;
  const upload = await drive(tab).start(file, options());
  const done = await drive(tab).outcome(upload);
  await expectStored(world, file, done);
  expect(done.resumedParts).toBeGreaterThanOrEqual(3);
  expect(world.putCount - putsBefore).toBe(PARTS - done.resumedParts);
}

describe.skipIf(!CHROMIUM)('resuming in a browser (needs LONGHAUL_TEST_CHROMIUM)', () => {
  beforeAll(async () => {
    [browser, world, pageServer] = await Promise.all([launchChromium(), startUploadWorld(), serveTestPage()]);
  });
  afterAll(async () => {
    await browser?.close();
    await pageServer?.close();
    await world?.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    page = await openPage();
  });
  afterEach(async () => {
    world.setFault(undefined);
    await context.close();
  });

  it('goes on after a reload in the middle', async () => {
    const file = await write('reload.bin');
    const letGo = await startHeld(file);
    await page.reload();
    letGo();
    await finish(file, page);
  });

  it('goes on after the tab has crashed', async () => {
    const file = await write('crash.bin');
    const letGo = await startHeld(file);
    await crash(page);
    letGo();
    await finish(file, await openPage());
  });

  it('goes on after the browser was started again', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'longhaul-profile-'));
    try {
      const file = await write('restart.bin');
      const first = await launchWithProfile(profile);
      const letGo = await startHeld(file, await openPage(first));
      await first.close();
      letGo();
      const second = await launchWithProfile(profile);
      const tab = await openPage(second);
      const [pending] = await drive(tab).pending(options());
      expect(pending).toMatchObject({ name: 'restart.bin', sizeBytes: file.sizeBytes, hasFile: false });
      await finish(file, tab);
      expect(await drive(tab).pending(options())).toEqual([]);
      await second.close();
    } finally {
      await rm(profile, { recursive: true, force: true });
    }
  });

  it('lists what an earlier page has left open, and opens a file again that it has a handle of', async () => {
    const letGo = holdPutsAfter(3);
    const upload = await page.evaluate(
      ([given, sizeBytes]) => testPage.startStored(given, 'stored.bin', sizeBytes),
      [options(), PARTS * PART] as const,
    );
    await drive(page).whenStored(upload, 3);
    // It runs: there is nothing to go on with.
    expect(await drive(page).pending(options())).toEqual([]);
    await page.reload();
    letGo();
    expect(await drive(page).pending({ ...options(), coordinator: 'https://elsewhere.example' })).toEqual([]);
    expect(await drive(page).pending(options())).toEqual([
      { name: 'stored.bin', sizeBytes: PARTS * PART, hasFile: true },
    ]);
    const putsBefore = world.putCount;
    const again = await page.evaluate((given) => testPage.resumePending(given, false), options());
    if (typeof again !== 'number') throw new Error(again.message);
    const done = await drive(page).outcome(again);
    expect(done.error).toBeUndefined();
    expect(done.resumedParts).toBeGreaterThanOrEqual(3);
    expect(world.putCount - putsBefore).toBe(PARTS - done.resumedParts);
    const sha256 = await page.evaluate(() => testPage.digestStored('stored.bin'));
    expect((await world.read(done.result?.key ?? '')).sha256).toBe(sha256);
    expect(await drive(page).pending(options())).toEqual([]);
  });

  it('goes on with a file that is picked again, and refuses another of the same name and size', async () => {
    const file = await write('same-name.bin');
    const letGo = await startHeld(file);
    await page.reload();
    letGo();
    const resumeWith = async (picked: TestFile): Promise<unknown> => {
      await page.setInputFiles('input', picked.path);
      return await page.evaluate((given) => testPage.resumePending(given, true), options());
    };
    expect(await page.evaluate((given) => testPage.resumePending(given, false), options())).toMatchObject({
      code: 'FILE_UNREADABLE',
    });
    const folder = await mkdtemp(join(world.folder, 'other-'));
    const other = await writeTestFile(folder, 'same-name.bin', { sizeBytes: file.sizeBytes });
    expect(await resumeWith(other)).toMatchObject({ code: 'FILE_MISMATCH' });
    const upload = await resumeWith(file);
    const done = await drive(page).outcome(Number(upload));
    await expectStored(world, file, done);
    expect(done.resumedParts).toBeGreaterThanOrEqual(3);
  });

  it('refuses a file that was changed while nobody looked, and begins anew when it is uploaded', async () => {
    const file = await write('changed.bin');
    const letGo = await startHeld(file);
    const first = await page.evaluate(() => testPage.uploadId(0));
    await page.reload();
    letGo();
    // The same samples; only the time of change tells.
    await writeFile(file.path, '', { flag: 'a' });
    await touch(file.path);
    await page.setInputFiles('input', file.path);
    expect(await page.evaluate((given) => testPage.resumePending(given, true), options())).toMatchObject({
      code: 'FILE_CHANGED',
    });
    const upload = await drive(page).start(file, options());
    const done = await drive(page).outcome(upload);
    await expectStored(world, file, done);
    expect(done.uploadId).not.toBe(first);
    expect(done.resumedParts).toBe(0);
  });
});

describe.skipIf(!CHROMIUM)('a URL that expires on the way (needs LONGHAUL_TEST_CHROMIUM)', () => {
  it('is replaced, which counts as no failure', async () => {
    const own = await launchChromium();
    const served = await serveTestPage();
    world = await startUploadWorld({ grantExpiresInSeconds: 2 });
    try {
      const tab = await own.newPage();
      await tab.goto(served.url);
      const file = await write('expired-url.bin');
      const statuses: number[] = [];
      let late = 2;
      world.setFault(async (request, pass) => {
        // The store reads the request when its URL is over.
        if (request.method === 'PUT' && late-- > 0) await new Promise((passed) => setTimeout(passed, 3_000));
        const answer = await pass();
        if (request.method === 'PUT') statuses.push(answer.status);
        return answer;
      });
      const upload = await drive(tab).start(file, options({ retry: { maxAttempts: 1 } }));
      await expectStored(world, file, await drive(tab).outcome(upload));
      expect(statuses.filter((status) => status === 403).length).toBeGreaterThanOrEqual(2);
      expect(statuses.filter((status) => status === 200)).toHaveLength(PARTS);
    } finally {
      await own.close();
      await served.close();
      await world.close();
    }
  });
});

describe.skipIf(!CHROMIUM)('a page without a network (needs LONGHAUL_TEST_CHROMIUM)', () => {
  it('waits as long as it takes, and then goes on', async () => {
    // A page of this machine's own is never offline: this one is another's.
    const host = 'files.example';
    const served = await serveTestPage();
    const url = served.url.replace('127.0.0.1', host);
    const args = [
      `--host-resolver-rules=MAP ${host} 127.0.0.1`,
      `--unsafely-treat-insecure-origin-as-secure=${new URL(url).origin}`,
    ];
    const own = await launchChromium(args);
    world = await startUploadWorld({ corsOrigins: ['*'] });
    try {
      const file = await write('offline.bin');
      const tab = await own.newPage();
      await tab.goto(url);
      const letGo = holdPutsAfter(3);
      const retry = { maxAttempts: 2, baseDelayMs: 1 };
      const upload = await drive(tab).start(file, options({ retry }));
      await drive(tab).whenStored(upload, 3);
      await tab.context().setOffline(true);
      letGo();
      // Many times what two attempts would take.
      await new Promise((passed) => setTimeout(passed, 3_000));
      expect(await drive(tab).state(upload)).toBe('sending');
      const putsBefore = world.putCount;
      await tab.context().setOffline(false);
      const done = await drive(tab).outcome(upload);
      await expectStored(world, file, done);
      expect(world.putCount - putsBefore).toBeLessThanOrEqual(PARTS - 3);
    } finally {
      await own.close();
      await served.close();
      await world.close();
    }
  });
});

async function touch(path: string): Promise<void> {
  const { utimes } = await import('node:fs/promises');
  await utimes(path, new Date(), new Date());
}
