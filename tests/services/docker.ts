/** Docker as the last way to have a service: containers with ports published on loopback only. */
import { randomUUID } from 'node:crypto';
import { runCommand } from './command.ts';
import type { Daemon } from './daemon.ts';
import type { Place } from './place.ts';

const PULL_LIMIT_MS = 8 * 60_000;

/** What to run in a container. */
export interface ContainerOptions {
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Host port → container port. */
  readonly ports: ReadonlyMap<number, number>;
  /** Replaces the image's own first program. */
  readonly entrypoint?: string;
}

/** Why Docker cannot be used, or undefined when an engine runs. A client without an engine does not count. */
export async function whyNoDocker(): Promise<string | undefined> {
  const result = await runCommand('docker', ['info'], { timeoutMs: 20_000 });
  return result.code === 0 ? undefined : 'no Docker engine runs here';
}

/** Starts a container, pulling its image when needed; it ends with its place. */
export async function startContainer(place: Place, options: ContainerOptions): Promise<Daemon> {
  const { image } = options;
  const local = await runCommand('docker', ['image', 'inspect', image]);
  if (local.code !== 0) await place.runTool('docker', ['pull', image], { timeoutMs: PULL_LIMIT_MS });

  const name = `longhaul-${randomUUID()}`;
  const watched = { kind: 'container', name } as const;
  place.guardian.watch(watched);
  // In the foreground: the log is written like any other, and its end is noticed.
  const client = await place.startDaemon(`docker-${name}`, {
    command: 'docker',
    args: ['run', '--rm', '--name', name, ...flagsOf(options)],
  });
  place.onStop(async () => {
    // Fails when the container has ended by itself, which is just as well.
    await runCommand('docker', ['rm', '--force', name]);
    place.guardian.release(watched);
  });
  return client;
}

function flagsOf({ image, args = [], env = {}, ports, entrypoint }: ContainerOptions): string[] {
  return [
    ...[...ports].flatMap(([host, inside]) => ['--publish', `127.0.0.1:${host}:${inside}`]),
    ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]),
    image,
    ...args,
  ];
}
