import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, crash, launchChromium } from './chromium.ts';
import { expectStored } from './expect-stored.ts';
import { drive } from './page-driver.ts';
import type { TestUploaderOptions } from './page/test-page-api.ts';
import type { TestServer } from './serve-on-free-port.ts';
import { type TestFile, writeTestFile } from './test-file.ts';
import { serveTestPage } from './test-page.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

const PART = 5 * 1024 ** 2;
const PARTS = 8;
const IN_FLIGHT = 2;

let browser: Browser;
let world: UploadWorld;
let pageServer: TestServer;
let context: BrowserContext;
let leader: Page;
let follower: Page;
let letGo: () => void;
let file: TestFile;
let names = 0;

const options = (): TestUploaderOptions => ({
  coordinator: world.coordinatorUrl,
  partSizeBytes: PART,
  concurrency: IN_FLIGHT,
});

/** Lets three PUTs through and holds the others, until it is let go. */
function holdPuts(): void {
  const held = Promise.withResolvers<void>();
  let puts = 0;
  world.setFault(async (request, pass) => {
    if (request.method === 'PUT' && ++puts > 3) await held.promise;
    return await pass();
  });
  letGo = () => {
    world.setFault(undefined);
    held.resolve();
  };
}

describe.skipIf(!CHROMIUM)('two tabs with one file (needs LONGHAUL_TEST_CHROMIUM)', () => {
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
    [leader, follower] = await Promise.all([context.newPage(), context.newPage()]);
    await Promise.all([leader.goto(pageServer.url), follower.goto(pageServer.url)]);
    file = await writeTestFile(world.folder, `tabs-${names++}.bin`, { sizeBytes: PARTS * PART });
    holdPuts();
    await drive(leader).start(file, options());
    await drive(leader).whenStored(0, 3);
    await drive(follower).start(file, options());
    // It has not sent anything itself: it heard of them.
    await drive(follower).whenStored(0, 3);
  });
  afterEach(async () => {
    letGo();
    await context.close();
  });

  it('sends every part once, and tells both of them how it goes', async () => {
    const putsBefore = world.putCount;
    letGo();
    const [led, followed] = await Promise.all([drive(leader).outcome(0), drive(follower).outcome(0)]);
    await expectStored(world, file, led);
    expect(followed.result).toEqual(led.result);
    expect(followed.uploadId).toBe(led.uploadId);
    expect(followed.states).toEqual(['sending', 'completing', 'completed']);
    expect(followed.sentBytes).toEqual(followed.sentBytes.toSorted((a, b) => a - b));
    expect(followed.sentBytes.at(-1)).toBe(file.sizeBytes);
    expect(world.putCount - putsBefore).toBeLessThanOrEqual(PARTS - 3);
  });

  it('lets the other one take over when the tab of the first has crashed', async () => {
    const putsBefore = world.putCount;
    await crash(leader);
    letGo();
    const done = await drive(follower).outcome(0);
    await expectStored(world, file, done);
    expect(done.resumedParts).toBeGreaterThanOrEqual(3);
    expect(world.putCount - putsBefore).toBeLessThanOrEqual(PARTS - 3 + IN_FLIGHT);
  });

  it('lets the other one take over when the first is closed, or stopped by its own page', async () => {
    await leader.evaluate(() => testPage.abort(0));
    letGo();
    await expectStored(world, file, await drive(follower).outcome(0));
    expect((await drive(leader).outcome(0)).error).toMatchObject({ name: 'AbortError' });
  });

  it('pauses and resumes from either of them', async () => {
    await drive(follower).act(0, 'pause');
    await expect.poll(async () => await drive(leader).state(0)).toBe('paused');
    await drive(leader).act(0, 'resume');
    await expect.poll(async () => await drive(follower).state(0)).toBe('sending');
    await drive(leader).act(0, 'pause');
    await expect.poll(async () => await drive(follower).state(0)).toBe('paused');
    letGo();
    await drive(follower).act(0, 'resume');
    await expectStored(world, file, await drive(leader).outcome(0));
    await expectStored(world, file, await drive(follower).outcome(0));
  });

  it('cancels from the one that follows, for both', async () => {
    await drive(follower).act(0, 'cancel');
    const [led, followed] = await Promise.all([drive(leader).outcome(0), drive(follower).outcome(0)]);
    expect(led.error).toMatchObject({ code: 'CANCELLED' });
    expect(followed.error).toMatchObject({ code: 'CANCELLED' });
    const open = await world.objectStore.listMultipartUploads({ prefix: '' });
    expect(open.filter(({ key }) => key.includes(led.uploadId ?? '?'))).toEqual([]);
  });
});
