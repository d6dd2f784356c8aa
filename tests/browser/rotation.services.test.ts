import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CORSRule } from '@aws-sdk/client-s3';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { drive } from './page-driver.ts';
import type { TestServer } from './serve-on-free-port.ts';
import { writeTestFile } from './test-file.ts';
import { serveTestPage } from './test-page.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

const PART = 5 * 1024 ** 2;
const oldKey = randomBytes(32).toString('base64');
const key = randomBytes(32).toString('base64');

/** The rule as people copy it. */
function documentedRule(): CORSRule {
  const page = readFileSync(join(import.meta.dirname, '../../docs/bucket.md'), 'utf8');
  const json = /```json\n(\{\n {2}"CORSRules"[^`]*)```/.exec(page)?.[1] ?? '';
  return (JSON.parse(json) as { readonly CORSRules: readonly [CORSRule] }).CORSRules[0];
}

describe.skipIf(!CHROMIUM)('an object that its store does not copy (needs LONGHAUL_TEST_CHROMIUM)', () => {
  let browser: Browser;
  let world: UploadWorld;
  let pageServer: TestServer;
  let page: Page;
  beforeAll(async () => {
    const profile = { ssecCopy: false };
    [browser, world, pageServer] = await Promise.all([
      launchChromium(),
      startUploadWorld({ profile }),
      serveTestPage(),
    ]);
    page = await browser.newPage();
    await page.goto(pageServer.url);
  });
  afterAll(async () => {
    await browser?.close();
    await pageServer?.close();
    await world?.close();
  });

  it('gets another key in a page, under the CORS rule of docs/bucket.md', async () => {
    await world.setCors({ ...documentedRule(), AllowedOrigins: [new URL(pageServer.url).origin] });
    const file = await writeTestFile(world.folder, 'film', { sizeBytes: 3 * PART + 1 });
    const options = { coordinator: world.coordinatorUrl, partSizeBytes: PART };
    const upload = { encryption: { mode: 'sse-c', key: oldKey } } as const;
    const { result } = await drive(page).outcome(await drive(page).start(file, { ...options, upload }));
    const rotated = await page.evaluate(([given, nodeId, keys]) => testPage.rotate(given, nodeId, keys), [
      options,
      result!.uploadId,
      { key, oldKey },
    ] as const);
    expect(rotated).toBe(`${result!.key}.1`);
    expect(await world.read(`${result!.key}.1`, key)).toMatchObject({ sha256: file.sha256 });
    await expect(world.read(`${result!.key}.1`, oldKey)).rejects.toThrow();
    await expect(world.read(result!.key, oldKey)).rejects.toThrow();
  });
});
