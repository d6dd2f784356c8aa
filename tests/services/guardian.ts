/**
 * Cleans up when the process that started the services dies without doing it (crash, kill -9).
 *
 * Runs as its own process and reads lines from stdin: `+ group PID SIGNAL`, `+ container NAME`, `+ folder PATH`
 * to watch, the same with `-` to release. When stdin ends, whatever is still watched is ended and removed.
 */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand, signalGroup } from './command.ts';

/** Tells the guardian what to clean up, should this process die. */
export interface Guardian {
  readonly watch: (thing: Watched) => void;
  readonly release: (thing: Watched) => void;
  /** Lets the guardian go; what is still watched is cleaned up now. */
  readonly close: () => void;
}

/** Something that must not outlive us. */
export type Watched =
  | { readonly kind: 'group'; readonly pid: number; readonly signal: NodeJS.Signals }
  | { readonly kind: 'container'; readonly name: string }
  | { readonly kind: 'folder'; readonly path: string };

/** Starts the guardian process. It is in a group of its own, so Ctrl-C does not reach it. */
export function startGuardian(): Guardian {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  child.unref();
  // The guardian gone means only that a crash would leave things behind: no reason to fail.
  child.stdin.on('error', () => undefined);
  const say = (sign: '+' | '-', thing: Watched): void => {
    child.stdin.write(`${sign} ${lineOf(thing)}\n`);
  };
  return {
    watch: (thing) => say('+', thing),
    release: (thing) => say('-', thing),
    close: () => child.stdin.end(),
  };
}

function lineOf(thing: Watched): string {
  switch (thing.kind) {
    case 'group':
      return `group ${thing.pid} ${thing.signal}`;
    case 'container':
      return `container ${thing.name}`;
    case 'folder':
      return `folder ${thing.path}`;
  }
}

async function guard(): Promise<void> {
  const watched = new Set<string>();
  for await (const line of createInterface({ input: process.stdin })) {
    const thing = line.slice(2);
    if (line.startsWith('+ ')) watched.add(thing);
    else watched.delete(thing);
  }
  await cleanUp([...watched]);
}

async function cleanUp(lines: readonly string[]): Promise<void> {
  const named = (kind: string): string[] =>
    lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
  const groups = named('group').map((text) => text.split(' '));
  for (const [pid, signal] of groups) signalGroup(Number(pid), signal as NodeJS.Signals);
  if (groups.length > 0) await sleep(2_000);
  for (const [pid] of groups) signalGroup(Number(pid), 'SIGKILL');
  for (const name of named('container')) await runCommand('docker', ['rm', '--force', name]);
  for (const path of named('folder')) await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await guard();
