import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startContainer, whyNoDocker } from './docker.ts';
import { openRun } from './place.ts';

let folder: string;

/** A client that notes its arguments, one call a line, and ends with the given status. */
async function fakeDocker(exitCode: number): Promise<void> {
  const file = join(folder, 'docker');
  await writeFile(file, `#!/bin/sh\necho "$*" >> ${join(folder, 'calls')}\nexit ${exitCode}\n`);
  await chmod(file, 0o755);
}

async function readCalls(): Promise<string[]> {
  return (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-docker-'));
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it('believes the engine, not the client', async () => {
  await fakeDocker(0);
  expect(await whyNoDocker()).toBeUndefined();
  await fakeDocker(1);
  expect(await whyNoDocker()).toBe('no Docker engine runs here');
});

it('publishes on loopback only and removes the container with its place', async () => {
  await fakeDocker(0);
  const run = await openRun(new AbortController().signal);
  await startContainer(run.openPlace(), {
    image: 'redis:7',
    entrypoint: 'sh',
    args: ['-c', 'true'],
    env: { KEY: 'value' },
    ports: new Map([[12_345, 6379]]),
  });
  await vi.waitFor(async () => expect(await readCalls()).toHaveLength(2));
  await run.close();
  const [looked, started = '', removed] = await readCalls();
  expect(looked).toBe('image inspect redis:7');
  const name = /--name (\S+)/.exec(started)?.[1];
  expect(started).toBe(
    `run --rm --name ${name} --publish 127.0.0.1:12345:6379 --env KEY=value --entrypoint sh redis:7 -c true`,
  );
  expect(removed).toBe(`rm --force ${name}`);
});
