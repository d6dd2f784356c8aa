import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** The program that tests drive; without it they are skipped. */
export const CHROMIUM: string | undefined = process.env['LONGHAUL_TEST_CHROMIUM'] || undefined;

/** Starts a headless Chromium. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return await chromium.launch(programWith(args));
}

/** Starts a headless Chromium that keeps what pages store in a folder. */
export async function launchWithProfile(folder: string): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(folder, programWith([]));
}

function programWith(args: readonly string[]): { executablePath: string; args: string[] } {
  if (!CHROMIUM) throw new Error('LONGHAUL_TEST_CHROMIUM is not set');
  return {
    executablePath: CHROMIUM,
    // Chromium refuses its sandbox to root; small /dev/shm is usual in containers.
    args: ['--no-sandbox', '--disable-dev-shm-usage', ...args],
  };
}

/** Ends the process of a tab as a fault in it would. */
export async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = page.waitForEvent('crash');
  // There is nobody left to answer.
  session.send('Page.crash').catch(() => {});
  await crashed;
}
