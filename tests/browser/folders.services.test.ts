import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, launchChromium } from './chromium.ts';
import type { FoldersOutcome, FoldersPage } from './page/folders-page-api.ts';
import { serveOnFreePort, type TestServer } from './serve-on-free-port.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

declare global {
  // Lives in the page.
  var foldersPage: FoldersPage;
}

const HTML = `<!doctype html><meta charset="utf-8"><title>Folders</title>
<input type="file" webkitdirectory><script type="module" src="/page.js"></script>`;

/** More in one folder than Chromium hands out at once, which is a hundred. */
const MANY = 230;

let browser: Browser;
let world: UploadWorld;
let pageServer: TestServer;
let page: Page;
let pageErrors: Error[];
let folder: string;
/** Content by the name that is kept. */
const contents = new Map<string, string>();

async function servePage(): Promise<TestServer> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page', 'folders-page.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  const script = outputFiles[0]?.text ?? '';
  return await serveOnFreePort((request) =>
    new URL(request.url).pathname === '/page.js'
      ? new Response(script, { headers: { 'content-type': 'text/javascript' } })
      : new Response(HTML, { headers: { 'content-type': 'text/html' } }),
  );
}

async function makeFolder(): Promise<void> {
  folder = join(world.folder, 'photos');
  const names = ['a.txt', '2024/cat ☃.txt', '2024/deep/er/dog.txt'];
  for (let index = 0; index < MANY; index++) names.push(`many/${index}.txt`);
  for (const name of names) {
    contents.set(`photos/${name}`, `This is ${name}.`);
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), `This is ${name}.`);
  }
  await mkdir(join(folder, 'empty'));
}

async function expectAll({ files, progress }: FoldersOutcome): Promise<void> {
  expect(files.filter(({ error }) => error)).toEqual([]);
  expect(new Set(files.map(({ name }) => name))).toEqual(new Set(contents.keys()));
  expect(progress).toMatchObject({ doneFiles: contents.size, totalFiles: contents.size, isCounted: true });
  for (const { name = '', key = '' } of files.filter(({ name }) => !name?.includes('many/1'))) {
    const { sha256, metadata } = await world.read(key);
    expect(sha256).toBe(
      createHash('sha256')
        .update(contents.get(name) ?? '')
        .digest('hex'),
    );
    expect(decodeURIComponent(metadata['original-name'] ?? '')).toBe(name);
  }
}

/** Drags paths onto the page, as a file manager does. */
async function drop(paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', {
      type,
      x: 50,
      y: 50,
      data: { items: [], files: paths, dragOperationsMask: 1 },
    });
  }
}

const outcome = (): Promise<FoldersOutcome> => page.evaluate(() => foldersPage.outcome());

describe.skipIf(!CHROMIUM)('folders in Chromium', () => {
  beforeAll(async () => {
    world = await startUploadWorld();
    pageServer = await servePage();
    browser = await launchChromium();
    await makeFolder();
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
    await page.goto(`${pageServer.url}/?coordinator=${encodeURIComponent(world.coordinatorUrl)}`);
  });
  afterEach(async () => {
    await page.context().close();
    expect(pageErrors).toEqual([]);
  });

  it('uploads what is in a picked folder, each file under its path', async () => {
    await page.setInputFiles('input', folder);
    await expectAll(await outcome());
  });

  it('uploads what is in a dropped folder, however many files one folder has', async () => {
    await drop([folder]);
    await expectAll(await outcome());
  });

  it('takes files and folders in one drop', async () => {
    const single = join(world.folder, 'single.txt');
    await writeFile(single, 'alone');
    await drop([single, join(folder, '2024')]);
    const { files, progress } = await outcome();
    expect(files.map(({ name }) => name)).toEqual(['single.txt', '2024/cat ☃.txt', '2024/deep/er/dog.txt']);
    expect(progress).toMatchObject({ doneFiles: 3, failedFiles: 0 });
  });
});
