import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../e2e/support/backend.ts';
import { MEMORIES } from '../e2e/support/memories.ts';
import { type StoreKind, STORES } from '../e2e/support/stores.ts';
import { CHROMIUM, launchChromium } from './chromium.ts';
import type { TestOutcome, TestUploaderOptions } from './page/test-page-api.ts';
import type { TestServer } from './serve-on-free-port.ts';
import { type TestFile, writeTestFile } from './test-file.ts';
import { pickFiles, serveTestPage } from './test-page.ts';

const MIB = 1024 ** 2;
const PART = 5 * MIB;
const SQLITE = MEMORIES[0]!;

/** Slow enough to be stopped between two parts. */
const UPLOAD_BYTES_PER_SECOND = 20 * MIB;

/** versitygw exposes the ETag whatever the rule says. */
const EXPOSES_ANYWAY: ReadonlySet<string> = new Set(['versitygw']);

let browser: Browser;
let pageServer: TestServer;
let folder: string;

beforeAll(async () => {
  if (!CHROMIUM) return;
  folder = await mkdtemp(join(tmpdir(), 'longhaul-hidden-etag-'));
  [browser, pageServer] = await Promise.all([launchChromium(), serveTestPage()]);
});
afterAll(async () => {
  if (!CHROMIUM) return;
  await browser.close();
  await pageServer.close();
  await rm(folder, { recursive: true, force: true });
});

// The rule of docs/bucket.md without its ExposeHeaders, as people write it.
describe.each(STORES)('a bucket on $name whose CORS rule exposes no header', (kind) => {
  const missing = CHROMIUM ? kind.missing : 'needs LONGHAUL_TEST_CHROMIUM';
  describe.skipIf(missing)(missing ?? 'in Chromium', () => {
    let backend: Backend;
    let page: Page;
    let listings: number;
    let warnings: string[];

    beforeEach(async () => {
      backend = await startBackend(
        counting(kind, () => listings++),
        SQLITE,
      );
      await backend.store.setCors({
        AllowedOrigins: [new URL(pageServer.url).origin],
        AllowedMethods: ['PUT'],
        AllowedHeaders: ['content-type', 'content-md5', 'if-none-match', 'x-amz-*'],
      });
      page = await browser.newPage();
      warnings = [];
      page.on('console', (message) => {
        if (message.type() === 'warning') warnings.push(message.text());
      });
      await page.goto(pageServer.url);
      listings = 0;
    });
    afterEach(async () => {
      await page.context().close();
      await backend.close();
    });

    async function start(file: TestFile, more: Partial<TestUploaderOptions> = {}): Promise<number> {
      await pickFiles(page, [file]);
      const options = { coordinator: backend.url, partSizeBytes: PART, ...more };
      const [id = -1] = await page.evaluate((given) => testPage.start(given), options);
      return id;
    }
    const outcome = (upload: number): Promise<TestOutcome> =>
      page.evaluate((id) => testPage.outcome(id), upload);
    async function expectStored(file: TestFile, { result, error }: TestOutcome): Promise<void> {
      expect(error).toBeUndefined();
      expect(await backend.store.hashOf(result?.key ?? '')).toBe(file.sha256);
    }

    it('stops no upload: the parts are listed once, and the page is told once what to mend', async () => {
      for (const name of ['first.bin', 'second.bin']) {
        const file = await writeTestFile(folder, name, { sizeBytes: 5 * PART + 1 });
        const done = await outcome(await start(file));
        await expectStored(file, done);
        expect(done.result?.partCount).toBe(6);
      }
      const isHidden = !EXPOSES_ANYWAY.has(kind.name);
      expect(listings).toBe(isHidden ? 2 : 0);
      expect(warnings).toEqual(isHidden ? [expect.stringContaining('"ETag" to ExposeHeaders')] : []);
    });

    it('goes on after a reload of the page with what is stored', async () => {
      const file = await writeTestFile(folder, 'resumed.bin', { sizeBytes: 16 * PART });
      const network = await page.context().newCDPSession(page);
      await network.send('Network.enable');
      await network.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: UPLOAD_BYTES_PER_SECOND,
      });
      const slow = await start(file, { concurrency: 2 });
      // The first of them have been reported by then, a second after they were stored.
      await page.evaluate((id) => testPage.whenStored(id, 10), slow);
      await page.reload();
      await network.detach();
      const done = await outcome(await start(file, { concurrency: 2 }));
      await expectStored(file, done);
      expect(done.resumedParts).toBeGreaterThanOrEqual(3);
      expect(done.resumedParts).toBeLessThan(16);
      // Two to find the parts of the first page, and their checksums; at most one for those of the second.
      expect(listings).toBeLessThanOrEqual(3);
    });
  });
});

function counting(kind: StoreKind, count: () => void): StoreKind {
  return {
    ...kind,
    async open() {
      const store = await kind.open();
      const { objectStore } = store;
      return {
        ...store,
        objectStore: {
          ...objectStore,
          listParts: async (upload) => {
            count();
            return await objectStore.listParts(upload);
          },
        },
      };
    },
  };
}
