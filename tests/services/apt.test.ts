import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { installPackages } from './apt.ts';

let folder: string;
let calls: string;

/** Programs of the given names, so that the real ones are not called: every one notes its arguments. */
async function fake(name: string, body: string): Promise<void> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\necho "${name} $*" >> ${calls}\n${body}\n`);
  await chmod(file, 0o755);
}

async function readCalls(program: string): Promise<string[]> {
  const lines = (await readFile(calls, 'utf8')).split('\n');
  return lines.filter((line) => line.startsWith(program));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-apt-'));
  calls = join(folder, 'calls');
  await writeFile(calls, '');
  vi.stubEnv('PATH', `${folder}${delimiter}/usr/bin${delimiter}/bin`);
  // Without root the call goes through sudo; this one simply runs it.
  await fake('sudo', 'shift; exec "$@"');
  await fake('apt-cache', 'case "$*" in *unheard-of*) exit 100;; esac');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it('updates once and installs everything in one call', async () => {
  await fake('apt-get', '');
  const wanted = new Map([
    ['redis', ['redis-server']],
    ['redis-cluster', ['redis-server']],
    ['ceph', ['ceph-mon', 'radosgw']],
  ]);
  expect(await installPackages(wanted, () => undefined)).toEqual(new Map());
  const [update, install, ...more] = await readCalls('apt-get');
  expect(update).toContain('update');
  expect(install).toMatch(/install --yes --no-install-recommends .*Use-Pty=0 redis-server ceph-mon radosgw$/);
  expect(more).toEqual([]);
});

it('names a package that apt does not know and installs the others', async () => {
  await fake('apt-get', '');
  const wanted = new Map([
    ['ceph', ['ceph-mon', 'unheard-of']],
    ['redis', ['redis-server']],
  ]);
  const failed = await installPackages(wanted, () => undefined);
  expect([...failed]).toEqual([['ceph', 'apt has no package unheard-of']]);
  expect((await readCalls('apt-get')).at(-1)).toMatch(/ redis-server$/);
});

it('gives each service its own try when the call for all fails', async () => {
  await fake('apt-get', 'case "$*" in *broken*) echo "E: held broken packages" >&2; exit 100;; esac');
  const wanted = new Map([
    ['ceph', ['broken']],
    ['redis', ['redis-server']],
  ]);
  const failed = await installPackages(wanted, () => undefined);
  expect([...failed.keys()]).toEqual(['ceph']);
  expect(failed.get('ceph')).toContain('E: held broken packages');
});

it('goes on with the lists at hand when they cannot be updated', async () => {
  await fake('apt-get', 'case "$*" in *update*) echo "E: no network" >&2; exit 100;; esac');
  const lines: string[] = [];
  const failed = await installPackages(new Map([['redis', ['redis-server']]]), (line) => lines.push(line));
  expect(failed.size).toBe(0);
  expect(lines.join('\n')).toContain('E: no network');
});

it('says so when there is no apt', async () => {
  vi.stubEnv('PATH', folder);
  const failed = await installPackages(new Map([['redis', ['redis-server']]]), () => undefined);
  expect(failed.get('redis')).toBe(
    'there is no apt-get on this machine (wanted: apt-get install redis-server)',
  );
});

it('does nothing when nothing is wanted', async () => {
  await fake('apt-get', '');
  await installPackages(new Map(), () => undefined);
  expect(await readCalls('')).toEqual(['']);
});
