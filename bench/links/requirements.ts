import { execFileSync } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { findProgram } from '../../tests/services/command.ts';
import { chromiumPrograms } from '../browser/chromium.ts';

/** What this machine lacks for emulated lines, one sentence each with what to do. */
export async function findObstacles(): Promise<string[]> {
  const obstacles: string[] = [];
  if (process.getuid?.() !== 0)
    obstacles.push(
      'Network namespaces are made by root: run it as root (sudo), or in a container of your own.',
    );
  for (const [program, packages] of [
    ['ip', 'iproute2'],
    ['cc', 'gcc libc6-dev'],
    ['curl', 'curl'],
  ] as const) {
    if (!(await findProgram([program])))
      obstacles.push(`There is no ${program} on PATH: apt-get install ${packages}`);
  }
  if (obstacles.length === 0) obstacles.push(...(await findKernelObstacles()));
  return obstacles;
}

/** Chromium's program, or `undefined`. */
export async function findChromium(): Promise<string | undefined> {
  const [first = '', ...others] = chromiumPrograms(process.env);
  return first.startsWith('/') ? first : await findProgram([first, ...others]);
}

async function findKernelObstacles(): Promise<readonly string[]> {
  const probe = `longhaul-${process.pid}-probe`;
  try {
    await access('/dev/net/tun', constants.R_OK | constants.W_OK);
    execFileSync('ip', ['netns', 'add', probe], { stdio: ['ignore', 'ignore', 'pipe'] });
    execFileSync('ip', ['netns', 'delete', probe]);
    return [];
  } catch (error) {
    const reason = (error as Error).message.trim();
    return [`This kernel, or this container, allows no TUN device or no network namespace (${reason}).`];
  }
}
