import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openFolder } from '../../tools/demo/folder.ts';
import { type DemoServers, startServers } from '../../tools/demo/servers.ts';
import { CHROMIUM, launchChromium } from './chromium.ts';
import { sha256Of, type TestFile, writeTestFile } from './test-file.ts';

const MIB = 1024 ** 2;

let browser: Browser;
let servers: DemoServers;
let folder: string;
let page: Page;
let complaints: string[];

const card = (name: string): Locator => page.getByRole('listitem').filter({ hasText: name });
const inPhase = (name: string, phase: string): Promise<void> =>
  page.locator(`.card[data-phase=${phase}]`, { hasText: name }).waitFor();
const write = async (name: string, sizeBytes: number): Promise<TestFile> =>
  await writeTestFile(folder, name, { sizeBytes });
const pick = (...files: readonly TestFile[]): Promise<void> =>
  page.getByLabel('Choose files').setInputFiles(files.map(({ path }) => path));

/** Holds the PUTs of the page to the store until it is let go. */
async function holdPuts(from: number): Promise<() => Promise<void>> {
  const held: Route[] = [];
  let puts = 0;
  let isOpen = false;
  const isPut = (url: URL): boolean => url.searchParams.has('X-Amz-Signature');
  await page.route(isPut, async (route) => {
    if (route.request().method() === 'PUT' && ++puts > from && !isOpen) held.push(route);
    else await route.continue();
  });
  return async () => {
    isOpen = true;
    await Promise.all(held.map((route) => route.continue()));
  };
}

describe.skipIf(!CHROMIUM)('the demo page (needs LONGHAUL_TEST_CHROMIUM)', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-demo-'));
    [browser, servers] = await Promise.all([
      launchChromium(),
      openFolder(join(folder, 'demo')).then(startServers),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await servers?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    page = await browser.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(servers.url);
  });
  afterEach(async () => {
    await page.context().close();
  });

  it('uploads several files at once and links to what was stored', async () => {
    const files = [await write('one.bin', 1), await write('two & "three".bin', 40 * MIB + 5)];
    await pick(...files);
    for (const file of files) {
      const name = file.path.slice(folder.length + 1);
      await inPhase(name, 'completed');
      const link = card(name).getByRole('link', { name: `Open: ${name}` });
      const answer = await page.request.get(
        new URL((await link.getAttribute('href')) ?? '', servers.url).href,
      );
      expect(sha256Of(await answer.body())).toBe(file.sha256);
    }
    expect(await page.getByRole('status').textContent()).toContain('is stored.');
    expect(complaints).toEqual([]);
  });

  it('shows parts filling, tells assistive technology so, and cancels', async () => {
    const letGo = await holdPuts(2);
    await pick(await write('cancel me.bin', 24 * MIB));
    const bar = card('cancel me').getByRole('progressbar');
    await expect
      .poll(async () => Number(await bar.getAttribute('aria-valuenow')), { timeout: 30_000 })
      .toBeGreaterThan(0);
    expect(await bar.getAttribute('aria-label')).toBe('Parts of cancel me.bin');
    expect(await bar.getAttribute('aria-valuetext')).toMatch(/of 25\.2 MB/);
    await expect
      .poll(() => drawnColours(page), { timeout: 30_000 })
      .toEqual(expect.arrayContaining(['stored', 'waiting']));

    await card('cancel me').getByRole('button', { name: 'Cancel: cancel me.bin' }).click();
    await inPhase('cancel me', 'cancelled');
    await letGo();
    await card('cancel me').getByRole('button', { name: 'Try again' }).click();
    await inPhase('cancel me', 'completed');
  });

  it('pauses, and goes on from where it was', async () => {
    const letGo = await holdPuts(2);
    await pick(await write('pause me.bin', 24 * MIB));
    const bar = card('pause me').getByRole('progressbar');
    await expect
      .poll(async () => Number(await bar.getAttribute('aria-valuenow')), { timeout: 30_000 })
      .toBeGreaterThan(0);
    await card('pause me').getByRole('button', { name: 'Pause: pause me.bin' }).press('Enter');
    await inPhase('pause me', 'paused');
    expect(await focused(page)).toBe('Resume: pause me.bin');
    await letGo().catch(() => {});
    await card('pause me').getByRole('button', { name: 'Resume: pause me.bin' }).press('Enter');
    await inPhase('pause me', 'completed');
    expect(complaints).toEqual([]);
  });

  it('says what failed and why, and goes on where it stopped when asked to', async () => {
    const file = await write('refused.bin', 24 * MIB);
    const calls = (url: URL): boolean => url.pathname.endsWith('/complete');
    await page.route(calls, (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          type: 'urn:longhaul:problem:unauthorized',
          title: 'Unauthorized',
          status: 401,
          code: 'unauthorized',
          detail: 'You may not. Sign in again.',
        }),
      }),
    );
    await pick(file);
    await inPhase('refused.bin', 'failed');
    const text = (await card('refused.bin').textContent()) ?? '';
    expect(text).toContain('The coordinator said no');
    expect(text).toContain('You may not. Sign in again.');
    expect(await page.getByRole('status').textContent()).toContain('refused.bin failed');

    await page.unroute(calls);
    await card('refused.bin').getByRole('button', { name: 'Try again' }).click();
    await inPhase('refused.bin', 'completed');
    expect(await card('refused.bin').textContent()).toContain('were there already');
  });

  it('takes files that are dropped anywhere on the page', async () => {
    const transfer = await page.evaluateHandle(`(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(['dropped'], 'dropped.txt'));
      return transfer;
    })()`);
    await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
    expect(await page.locator('html.dragging').count()).toBe(1);
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    await inPhase('dropped.txt', 'completed');
    expect(await page.locator('html.dragging').count()).toBe(0);
  });

  it('can be used by keyboard alone, and keeps the focus where the work is', async () => {
    await pick(await write('keys.bin', 10));
    await inPhase('keys.bin', 'completed');
    for (const expected of ['pick', 'Open: keys.bin', 'Remove: keys.bin']) {
      await page.keyboard.press('Tab');
      expect(await focused(page)).toBe(expected);
    }
    await page.keyboard.press('Enter');
    expect(await page.getByRole('listitem').count()).toBe(0);
    expect(await focused(page)).toBe('pick');
  });

  it.each([320, 360, 1_100])('fits into %i px, whatever a file is called', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    await pick(await write(`${'a-very-long-name'.repeat(12)}.bin`, 10));
    await inPhase('a-very-long-name', 'completed');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
  });
});

async function focused(shown: Page): Promise<unknown> {
  return await shown.evaluate(
    'document.activeElement.getAttribute("aria-label") ?? document.activeElement.id',
  );
}

/** Names of the page's colours that stand in the middle row of the first card's canvas. */
async function drawnColours(shown: Page): Promise<unknown> {
  return await shown.evaluate(`(() => {
    const canvas = document.querySelector('.card canvas');
    const style = getComputedStyle(canvas);
    const names = new Map(
      ['waiting', 'moving', 'stored'].map((name) => [style.getPropertyValue('--' + name).trim(), name]),
    );
    const { data } = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1);
    const seen = new Set();
    for (let at = 0; at < data.length; at += 4) {
      const hex = '#' + [...data.slice(at, at + 3)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      if (names.has(hex)) seen.add(names.get(hex));
    }
    return [...seen];
  })()`);
}
