/** Docker as the last way to have a service: containers with ports published on loopback only. */
import { randomUUID } from 'node:crypto';
import { lastLines, runCommand } from './command.ts';
import type { Place } from './place.ts';

const PULL_AND_START_LIMIT_MS = 8 * 60_000;

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
export async function startContainer(place: Place, options: ContainerOptions): Promise<void> {
  const name = `longhaul-${randomUUID()}`;
  const watched = { kind: 'container', name } as const;
  place.guardian.watch(watched);
  place.onStop(async () => {
    const result = await runCommand('docker', ['rm', '--force', name]);
    if (result.code !== 0) throw new Error(`container ${name} could not be removed: ${lastLines(result)}`);
    place.guardian.release(watched);
  });
  await place.runTool('docker', ['run', '--detach', '--rm', '--name', name, ...flagsOf(options)], {
    timeoutMs: PULL_AND_START_LIMIT_MS,
  });
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
