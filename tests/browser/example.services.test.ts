import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { build } from 'vite';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { serveOnFreePort, type TestServer } from './serve-on-free-port.ts';
import { writeTestFile } from './test-file.ts';
import { startUploadWorld, type UploadWorld } from './upload-world.ts';

const EXAMPLE = resolve(import.meta.dirname, '..', '..', 'examples', 'browser');
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

/** Links that ask for a connection are gone at once: a mark of each stays. */
const MARK_PRECONNECTS = `new MutationObserver((changes) => {
  for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes]))
    if (node.rel === 'preconnect') performance.mark(node.href);
}).observe(document, { childList: true, subtree: true });`;

let browser: Browser;
let folder: string;
let page: Page;

async function uploadFrom(url: string, path: string): Promise<string> {
  await page.goto(url);
  await page.getByLabel('File to upload').setInputFiles(path);
  const outcome = page.getByRole('status');
  await outcome.filter({ hasText: /is stored|Error/ }).waitFor();
  return (await outcome.textContent()) ?? '';
}

describe.skipIf(!CHROMIUM)('examples/browser (needs LONGHAUL_TEST_CHROMIUM)', () => {
  beforeAll(async () => {
    browser = await launchChromium();
    folder = await mkdtemp(join(tmpdir(), 'longhaul-example-'));
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    page = await browser.newPage();
  });
  afterEach(async () => {
    await page.context().close();
  });

  describe('built by Vite', () => {
    let world: UploadWorld;
    let site: TestServer;

    beforeAll(async () => {
      world = await startUploadWorld();
      const outDir = join(folder, 'site');
      await build({
        root: EXAMPLE,
        logLevel: 'error',
        define: { 'import.meta.env.VITE_COORDINATOR': JSON.stringify(world.coordinatorUrl) },
        build: { outDir, emptyOutDir: true },
      });
      site = await serveOnFreePort(async (request) => {
        const { pathname } = new URL(request.url);
        const file = join(outDir, pathname === '/' ? 'index.html' : pathname);
        const body = await readFile(file).catch(() => undefined);
        if (!body) return new Response('not found', { status: 404 });
        return new Response(body, { headers: { 'content-type': TYPES[extname(file)] ?? '' } });
      });
    });
    afterAll(async () => {
      await site?.close();
      await world?.close();
    });

    it('has what sends, its workers among it, before a file is picked, and connects to the coordinator while it looks at the file', async () => {
      await page.addInitScript({ content: MARK_PRECONNECTS });
      await page.goto(site.url);
      const named = (kind: 'mark' | 'resource'): Promise<string[]> =>
        page.evaluate((type) => performance.getEntriesByType(type).map(({ name }) => name), kind);
      const scripts = async (): Promise<string[]> =>
        (await named('resource'))
          .flatMap((name) => scriptName(name) ?? [])
          .filter((name) => !name.endsWith('-worker'));
      await expect
        .poll(scripts)
        .toEqual(
          expect.arrayContaining([
            'sending',
            'share-upload',
            'browser-part-sender',
            'blob-digester',
            'indexed-db-resume-store',
          ]),
        );
      await expect
        .poll(() =>
          page
            .workers()
            .map((worker) => scriptName(worker.url()) ?? '')
            .sort(),
        )
        .toEqual(['checksum-worker', 'checksum-worker', 'sending-worker']);
      const workers = page.workers();
      const before = await scripts();
      expect(await named('mark')).toEqual([]);
      const file = await writeTestFile(folder, 'long.mp4', { sizeBytes: 12 * 1024 ** 2 });
      await page.getByLabel('File to upload').setInputFiles(file.path);
      await page.getByRole('status').filter({ hasText: 'is stored' }).waitFor();
      expect(await scripts()).toEqual(before);
      expect(page.workers()).toEqual(workers);
      expect(await named('mark')).toEqual([new URL(world.coordinatorUrl).href]);
    });

    it('uploads a file from its static files, its workers among them', async () => {
      const begun = new Set<string>();
      // One that is not there, or is no script, is let go.
      const lost: string[] = [];
      page.on('worker', (worker) => {
        begun.add(scriptName(worker.url()) ?? worker.url());
        worker.on('close', () => lost.push(worker.url()));
      });
      const file = await writeTestFile(folder, 'holiday.mp4', { sizeBytes: 120 * 1024 ** 2 + 1 });
      const outcome = await uploadFrom(site.url, file.path);
      expect([[...begun].sort(), lost]).toEqual([['checksum-worker', 'sending-worker'], []]);
      expect(outcome).toContain('holiday.mp4 is stored');
      const key = /stored as (\S+)/.exec(outcome)?.[1] ?? '';
      expect((await world.read(key)).sha256).toBe(file.sha256);
    });
  });

  describe('started as its README says', () => {
    let server: ChildProcess;
    let url: string;

    beforeAll(async () => {
      const { LONGHAUL_COORDINATOR: _elsewhere, ...env } = process.env;
      server = spawn(process.execPath, ['start.ts'], {
        cwd: EXAMPLE,
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      url = await addressIn(server);
    });
    afterAll(async () => {
      const gone = once(server, 'exit');
      server.kill();
      await gone;
    });

    it('uploads a file to the coordinator beside it', async () => {
      const file = await writeTestFile(folder, 'letter.txt', { sizeBytes: 6 * 1024 ** 2 });
      expect(await uploadFrom(url, file.path)).toContain('letter.txt is stored');
    });
  });
});

/** The name that Vite has given a script, without its hash, which may hold a dash. */
function scriptName(url: string): string | undefined {
  return /assets\/(.+)-.{8}\.js$/.exec(url)?.[1];
}

/** The first address that a process prints. */
async function addressIn({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('The process has no output');
  for await (const line of createInterface({ input: stdout })) {
    const address = /http:\/\/\S+/.exec(line)?.[0];
    if (address) return address;
  }
  throw new Error('The process has ended without printing an address');
}
