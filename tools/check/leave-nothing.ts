import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();
const children = new Set<ChildProcess>();

/** Gives a new folder in the system's own for such things, and removes it when `use` has ended or the process is stopped. */
export async function withTemporaryFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  return await removedAfter(await mkdtemp(join(tmpdir(), 'longhaul-check-')), use);
}

/** The same at a path that others must know. */
export async function withFolder<Result>(
  folder: string,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(folder, { recursive: true });
  return await removedAfter(folder, use);
}

/** Makes sure that a child ends before this process does. */
export function endWithUs(child: ChildProcess): void {
  children.add(child);
  child.once('close', () => children.delete(child));
}

/** Cleans up on Ctrl-C and on a polite request to end, too. */
export function cleanUpWhenStopped(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', () => {
    for (const child of children) child.kill();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
}

async function removedAfter<Result>(
  folder: string,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  folders.add(folder);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    folders.delete(folder);
  }
}
