import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, vi } from 'vitest';
import { runCommand, signalGroup } from './command.ts';
import { openRun } from './place.ts';

const signal = new AbortController().signal;

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A process that ended but that nobody waited for (a zombie) is gone as far as we are concerned. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await runCommand('ps', ['-o', 'stat=', '-p', String(pid)]);
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

/** A shell that starts a grandchild, says its number, and waits. */
const FAMILY = ['-c', 'sleep 1000 & echo $!; wait'];

async function readPid(file: string): Promise<number> {
  const pid = await vi.waitFor(
    async () => {
      const text = (await readFile(file, 'utf8')).trim();
      expect(text).toMatch(/^\d+$/);
      return Number(text);
    },
    { timeout: 10_000 },
  );
  return pid;
}

it('ends a daemon with its children and removes the folders', async () => {
  const run = await openRun(signal);
  const place = run.openPlace();
  const folder = await place.makeFolder('data');
  await place.startDaemon('family', { command: 'sh', args: FAMILY });
  const grandchild = await readPid(place.logFile('family'));
  expect(await isAlive(grandchild)).toBe(true);
  await run.close();
  await vi.waitFor(async () => expect(await isAlive(grandchild)).toBe(false));
  expect(await exists(folder)).toBe(false);
  expect(await exists(run.folder)).toBe(false);
});

it('kills a daemon that ignores the signal to stop', async () => {
  const run = await openRun(signal);
  const place = run.openPlace();
  const script = "trap '' TERM; echo $$; while :; do sleep 1; done";
  await place.startDaemon('stubborn', { command: 'sh', args: ['-c', script], graceMs: 100 });
  const pid = await readPid(place.logFile('stubborn'));
  await run.close();
  expect(await isAlive(pid)).toBe(false);
});

it('reports the end of the log when a daemon dies by itself', async () => {
  const run = await openRun(signal);
  const daemon = await run
    .openPlace()
    .startDaemon('short', { command: 'sh', args: ['-c', 'echo no disk; exit 4'] });
  await expect(daemon.died).rejects.toThrow('sh ended (4): no disk');
  await run.close();
});

it('stops the last started first, and goes on when one resists', async () => {
  const run = await openRun(signal);
  const place = run.openPlace();
  const order: string[] = [];
  for (const name of ['first', 'second', 'third']) {
    place.onStop(async () => {
      order.push(name);
      if (name === 'second') throw new Error('will not go');
    });
  }
  await expect(run.close()).rejects.toThrow('will not go');
  expect(order).toEqual(['third', 'second', 'first']);
  expect(await exists(run.folder)).toBe(false);
});

it('ends tools that still run when the place is stopped', async () => {
  const run = await openRun(signal);
  const tool = run.openPlace().runTool('sleep', ['1000']);
  const failure = expect(tool).rejects.toThrow('killed');
  await run.close();
  await failure;
});

it('starts nothing after the signal', async () => {
  const run = await openRun(AbortSignal.abort(new Error('over')));
  await expect(run.openPlace().startDaemon('late', { command: 'sleep', args: ['1000'] })).rejects.toThrow(
    'over',
  );
  await run.close();
});

it('leaves nothing behind when the process that opened the run is killed', { timeout: 30_000 }, async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'longhaul-test-'));
  const report = join(scratch, 'report.json');
  const script = join(scratch, 'victim.ts');
  await writeFile(
    script,
    `import { openRun } from ${JSON.stringify(resolve(import.meta.dirname, 'place.ts'))};
     import { writeFileSync, renameSync } from 'node:fs';
     const run = await openRun(new AbortController().signal);
     const place = run.openPlace();
     await place.startDaemon('family', { command: 'sh', args: ${JSON.stringify(FAMILY)} });
     writeFileSync(${JSON.stringify(`${report}.part`)}, JSON.stringify({ folder: run.folder, log: place.logFile('family') }));
     renameSync(${JSON.stringify(`${report}.part`)}, ${JSON.stringify(report)});
     setInterval(() => undefined, 1000);`,
  );
  const victim = spawn(process.execPath, [script], { detached: true, stdio: 'ignore' });
  await vi.waitFor(async () => expect(await exists(report)).toBe(true), { timeout: 10_000 });
  const { folder, log } = JSON.parse(await readFile(report, 'utf8')) as { folder: string; log: string };
  const grandchild = await readPid(log);

  const gone = once(victim, 'exit');
  signalGroup(victim.pid!, 'SIGKILL');
  await gone;
  await vi.waitFor(async () => expect(await isAlive(grandchild)).toBe(false), { timeout: 15_000 });
  await vi.waitFor(async () => expect(await exists(folder)).toBe(false), { timeout: 15_000 });
  await rm(scratch, { recursive: true });
});
