import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Haystack } from './scan.ts';

const PACKAGES = join(import.meta.dirname, '../../packages');

/** Our two commands, as people run them. */
export const COORDINATOR = join(PACKAGES, 'coordinator/src/main.ts');
export const CLIENT = join(PACKAGES, 'sdk/src/cli.ts');

/** Processes, and all that they have said. */
export interface Programs {
  /** Runs one to its end; answers its exit status. */
  run(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<number>;
  /** Starts one, and resolves once it has said something like this; answers what was said. */
  start(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    ready: RegExp,
  ): Promise<Started>;
  said(): readonly Haystack[];
  /** Kills what still runs. */
  close(): void;
}

/** A running process. */
export interface Started {
  readonly match: RegExpExecArray;
  stop(): Promise<void>;
}

/** None yet. */
export function openPrograms(folder: string): Programs {
  const children: ChildProcess[] = [];
  const said: { name: string; text: string }[] = [];
  const launch = (name: string, args: readonly string[], env: Readonly<Record<string, string>>) => {
    const child = spawn(process.execPath, [...args], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder, NODE_NO_WARNINGS: '1', ...env },
    });
    children.push(child);
    const output = { name, text: '' };
    said.push(output);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output.text += String(chunk)));
    return { child, output, ended: once(child, 'close') };
  };
  return {
    async run(name, args, env) {
      const { ended } = launch(name, args, env);
      const [status] = (await ended) as [number];
      return status;
    },
    async start(name, args, env, ready) {
      const { child, output, ended } = launch(name, args, env);
      for (let waitedMs = 0; ; waitedMs += 20) {
        const match = ready.exec(output.text);
        if (match)
          return {
            match,
            async stop() {
              child.kill('SIGTERM');
              await ended;
            },
          };
        if (child.exitCode !== null || waitedMs > 30_000)
          throw new Error(`${name} did not start: ${output.text}`);
        await sleep(20);
      }
    },
    said: () => said.map(({ name, text }) => ({ name: `what ${name} said`, text })),
    close() {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}
