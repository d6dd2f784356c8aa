import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from './chromium.ts';
import type { TestOutcome } from './page/test-page-api.ts';
import type { TestServer } from './serve-on-free-port.ts';
import { type TestFile, writeTestFile } from './test-file.ts';
import { pickFiles, serveTestPage } from './test-page.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

const PART = 5 * 1024 ** 2;

let browser: Browser;
let world: UploadWorld;
let pageServer: TestServer;
let page: Page;

async function uploadAsStream(file: TestFile, expectedSizeBytes?: number): Promise<TestOutcome> {
  await pickFiles(page, [file]);
  const options = {
    coordinator: world.coordinatorUrl,
    partSizeBytes: PART,
    upload: { name: 'stream.bin', ...(expectedSizeBytes !== undefined && { expectedSizeBytes }) },
  };
  const id = await page.evaluate((given) => testPage.startStream(given), options);
  return await page.evaluate((given) => testPage.outcome(given), id);
}

describe.skipIf(!CHROMIUM)('a stream in a page (needs LONGHAUL_TEST_CHROMIUM)', () => {
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
    await page.goto(pageServer.url);
  });

  it.each([
    ['nothing', 0],
    ['less than a part', 300_000],
    ['exactly two parts', 2 * PART],
    ['more parts than are held at once', 14 * PART + 1],
  ])('of %s is stored byte for byte, and proved by its checksum', async (name, sizeBytes) => {
    const file = await writeTestFile(world.folder, name, { sizeBytes });
    const { result, error, sentBytes } = await uploadAsStream(file);
    expect(error).toBeUndefined();
    expect(await world.read(result?.key ?? '')).toMatchObject({ sizeBytes, sha256: file.sha256 });
    expect(result?.proof).toBe('checksum');
    expect(sentBytes).toEqual(sentBytes.toSorted((a, b) => a - b));
  });

  it('is stored if it has the size that it was said to have, and otherwise not', async () => {
    const file = await writeTestFile(world.folder, 'expected', { sizeBytes: 3 * PART + 1 });
    const whole = await uploadAsStream(file, file.sizeBytes);
    expect((await world.read(whole.result?.key ?? '')).sha256).toBe(file.sha256);
    const short = await uploadAsStream(file, file.sizeBytes + 1);
    expect(short.error).toMatchObject({ name: 'UploadError', code: 'SIZE_MISMATCH' });
    expect(short.states).not.toContain('completed');
  });
});
