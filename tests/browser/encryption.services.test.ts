import { randomBytes } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { drive } from './page-driver.ts';
import type { TestUploaderOptions } from './page/test-page-api.ts';
import type { TestServer } from './serve-on-free-port.ts';
import { writeTestFile } from './test-file.ts';
import { pickFiles, serveTestPage } from './test-page.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

const MIB = 1024 ** 2;
const PART = 5 * MIB;
const key = randomBytes(32).toString('base64');

let browser: Browser;
let world: UploadWorld;
let pageServer: TestServer;
let context: BrowserContext;
let page: Page;

const options = (): TestUploaderOptions => ({
  coordinator: world.coordinatorUrl,
  partSizeBytes: PART,
  concurrency: 2,
  upload: { encryption: { mode: 'sse-c', key } },
});

describe.skipIf(!CHROMIUM)(
  'uploads under a key that only the page has (needs LONGHAUL_TEST_CHROMIUM)',
  () => {
    beforeAll(async () => {
      [browser, world, pageServer] = await Promise.all([
        launchChromium(),
        startUploadWorld(),
        serveTestPage(),
      ]);
    });
    afterAll(async () => {
      await browser?.close();
      await pageServer?.close();
      await world?.close();
    });
    beforeEach(async () => {
      context = await browser.newContext();
      page = await context.newPage();
      await page.goto(pageServer.url);
    });
    afterEach(async () => {
      world.setFault(undefined);
      await context.close();
    });

    it.each([
      ['in parts', 3 * PART + 1, 4],
      ['in one PUT', 300_000, 1],
    ])('%s: read back with the key, and with no other', async (name, sizeBytes, partCount) => {
      const file = await writeTestFile(world.folder, name, { sizeBytes });
      const { result } = await drive(page).outcome(await drive(page).start(file, options()));
      expect(result).toMatchObject({ partCount });
      const objectKey = result?.key ?? '';
      expect(await world.read(objectKey, key)).toMatchObject({ sizeBytes, sha256: file.sha256 });
      for (const wrong of [undefined, randomBytes(32).toString('base64')])
        await expect(world.read(objectKey, wrong)).rejects.toThrow();
    });

    it('goes on after a reload with the key, which the browser has not kept', async () => {
      const file = await writeTestFile(world.folder, 'reload.bin', { sizeBytes: 8 * PART });
      const held = Promise.withResolvers<void>();
      let puts = 0;
      world.setFault(async (request, pass) => {
        if (request.method === 'PUT' && ++puts > 3) await held.promise;
        return await pass();
      });
      const upload = await drive(page).start(file, options());
      await drive(page).whenStored(upload, 3);
      const kept = await page.evaluate(() => testPage.kept());
      expect(kept).toContain('customerKeyMd5');
      expect(kept).not.toContain(key);
      await page.reload();
      world.setFault(undefined);
      held.resolve();

      await pickFiles(page, [file]);
      const resume = async (customerKey?: string) => {
        const begun = await page.evaluate(([given, secret]) => testPage.resumePending(given, true, secret), [
          options(),
          customerKey,
        ] as const);
        return typeof begun === 'number' ? await drive(page).outcome(begun) : { error: begun };
      };
      for (const wrong of [undefined, randomBytes(32).toString('base64')])
        expect(await resume(wrong)).toMatchObject({ error: { code: 'KEY_UNUSABLE' } });
      const done = await resume(key);
      expect(done).toMatchObject({ resumedParts: expect.toSatisfy((parts: number) => parts >= 3) });
      const { result } = done as { result?: { key: string } };
      expect(await world.read(result?.key ?? '', key)).toMatchObject({ sha256: file.sha256 });
    });
  },
);
