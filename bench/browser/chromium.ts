import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type Cdp, openCdp } from './cdp.ts';

/** A page with one file picked. */
export interface BenchPage {
  /** Runs an expression to its end; its value must fit into JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** Seconds that the page's main thread has worked so far. */
  mainThreadSeconds(): Promise<number>;
  close(): Promise<void>;
}

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Names under which Chromium is looked for, the program named by the tests' own variable first. */
export function chromiumPrograms(env: NodeJS.ProcessEnv): readonly string[] {
  return [env['LONGHAUL_TEST_CHROMIUM'] ?? [], PROGRAMS].flat();
}

/** Opens `url` in a Chromium of its own, which is headless and calls nobody else, and picks `file` in its first input. */
export async function openPage(program: string, url: string, file: string): Promise<BenchPage> {
  const profile = await mkdtemp(join(tmpdir(), 'longhaul-chromium-'));
  const browser = launch(program, profile);
  const close = async (): Promise<void> => {
    if (browser.exitCode === null && browser.signalCode === null) {
      const exit = once(browser, 'exit');
      killGroup(browser);
      await exit;
    }
    // Its children end a moment after it.
    await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    const cdp = openCdp(browser.stdio[3] as Writable, browser.stdio[4] as Readable);
    return { ...(await preparePage(cdp, url, file)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function launch(program: string, profile: string): ChildProcess {
  const flags = [
    '--headless',
    '--remote-debugging-pipe',
    `--user-data-dir=${profile}`,
    // Chromium refuses its sandbox to root; small /dev/shm is usual in containers.
    '--no-sandbox',
    '--disable-dev-shm-usage',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-default-apps',
    '--disable-sync',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 10.77.0.2',
  ];
  return spawn(program, flags, {
    // A group of its own, so that it ends with all its children: they would write into the profile that is removed.
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

async function preparePage(cdp: Cdp, url: string, file: string): Promise<Omit<BenchPage, 'close'>> {
  const { targetId } = await cdp.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: true });
  const evaluate = async (expression: string): Promise<unknown> => {
    const parameters = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await cdp.send('Runtime.evaluate', parameters, sessionId);
    if (!exceptionDetails) return result?.value;
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  };
  await cdp.send('Page.navigate', { url }, sessionId);
  await evaluate(
    "new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', done))",
  );
  const input = await cdp.send(
    'Runtime.evaluate',
    { expression: "document.querySelector('input')" },
    sessionId,
  );
  await cdp.send('DOM.setFileInputFiles', { files: [file], objectId: input.result?.objectId }, sessionId);
  // Ticks of the thread: what the page has worked, however busy the machine is with others.
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' }, sessionId);
  return {
    evaluate,
    async mainThreadSeconds() {
      const { metrics = [] } = await cdp.send('Performance.getMetrics', {}, sessionId);
      return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
    },
  };
}
