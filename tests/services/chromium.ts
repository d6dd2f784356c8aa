/** Headless Chromium. Nothing stays running: tests launch the browser themselves. */
import { chromium as browserType } from 'playwright-core';
import { findProgram, runOrThrow } from './command.ts';
import { readVariable, type Candidate, type Env, type Service } from './service.ts';

const PROGRAM_VARIABLE = 'LONGHAUL_TEST_CHROMIUM';

/** A Chromium that playwright-core can drive. */
export const chromium: Service = {
  name: 'chromium',
  variables: [PROGRAM_VARIABLE],
  aptPackages: ['chromium'],
  find,
  docker: { kind: 'none', reason: 'tests must launch the browser themselves, which no container allows' },
  probe,
};

async function find(): Promise<Candidate> {
  const program = await findProgram([
    'chromium',
    'chromium-browser',
    'google-chrome-stable',
    'google-chrome',
  ]);
  if (program === undefined)
    return { kind: 'missing', reason: 'neither chromium nor google-chrome is on PATH' };
  const banner = await runOrThrow(program, ['--version']);
  const version = /\d+\.[\d.]+/.exec(banner)?.[0] ?? banner.trim();
  const launch = async (): Promise<Record<string, string>> => {
    const env = { [PROGRAM_VARIABLE]: program };
    await probe(env);
    return env;
  };
  return { kind: 'found', version, launch };
}

async function probe(env: Env): Promise<void> {
  const browser = await browserType.launch({
    executablePath: readVariable(env, PROGRAM_VARIABLE),
    headless: true,
    // Playwright would end this process on a signal, and with it the clean-up of the other services.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    // Chromium refuses its sandbox to root; small /dev/shm is usual in containers.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  try {
    const page = await browser.newPage();
    await page.goto('about:blank');
  } finally {
    await browser.close();
  }
}
