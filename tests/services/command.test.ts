import { expect, it, vi } from 'vitest';
import { findProgram, lastLines, runCommand, runOrThrow } from './command.ts';

const node = process.execPath;

it('collects what a command prints and its exit status', async () => {
  const script = "process.stdout.write('out'); process.stderr.write('err'); process.exitCode = 3";
  expect(await runCommand(node, ['-e', script])).toEqual({ code: 3, stdout: 'out', stderr: 'err' });
});

it('reports a program that does not exist instead of throwing', async () => {
  const result = await runCommand('/nowhere/at-all', []);
  expect(result.code).toBeNull();
  expect(result.stderr).toContain('ENOENT');
});

it('kills the whole process group when time is up', async () => {
  // The grandchild holds stdout open: only its death lets the command end.
  const script = "require('node:child_process').spawn('sleep', ['1000'], { stdio: 'inherit' })";
  const result = await runCommand(node, ['-e', script], { timeoutMs: 300 });
  expect(result.code).toBeNull();
  expect(result.stderr).toContain('stopped after 0.3 s');
});

it('ends at once when it was aborted before it began', async () => {
  const result = await runCommand('sleep', ['1000'], { signal: AbortSignal.abort() });
  expect(result.stderr).toContain('interrupted');
});

it('releases the watched group when the command is over', async () => {
  const release = vi.fn();
  const watchGroup = vi.fn(() => release);
  await runCommand(node, ['-e', ''], { watchGroup });
  expect(watchGroup).toHaveBeenCalledWith(expect.any(Number));
  expect(release).toHaveBeenCalledOnce();
});

it('says what a failed command said last', async () => {
  const failing = runOrThrow(node, ['-e', "console.error('first\\nsecond'); process.exit(7)"]);
  await expect(failing).rejects.toThrow(/failed \(7\): first\nsecond/);
});

it('falls back on stdout when stderr is empty', () => {
  expect(lastLines({ stdout: 'a\nb\nc\n', stderr: ' \n' }, 2)).toBe('b\nc');
});

it('finds programs on PATH, then in further folders, by the order of their names', async () => {
  expect(await findProgram(['no-such-program', 'sh'])).toMatch(/\/sh$/);
  expect(await findProgram(['no-such-program'])).toBeUndefined();
  vi.stubEnv('PATH', '');
  expect(await findProgram(['sh'])).toBeUndefined();
  expect(await findProgram(['sh'], ['/bin'])).toBe('/bin/sh');
  vi.unstubAllEnvs();
});
