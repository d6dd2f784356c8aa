import { type Browser, chromium } from 'playwright-core';

/** The program that tests drive; without it they are skipped. */
export const CHROMIUM: string | undefined = process.env['LONGHAUL_TEST_CHROMIUM'] || undefined;

/** Starts a headless Chromium. */
export async function launchChromium(): Promise<Browser> {
  if (!CHROMIUM) throw new Error('LONGHAUL_TEST_CHROMIUM is not set');
  return await chromium.launch({
    executablePath: CHROMIUM,
    // Chromium refuses its sandbox to root; small /dev/shm is usual in containers.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}
