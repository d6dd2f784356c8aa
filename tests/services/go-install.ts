import { mkdir } from 'node:fs/promises';
import { runCommand, runOrThrow } from './command.ts';

const BUILD_LIMIT_MS = 12 * 60_000;

/** What a build needs beside its sources. */
export interface GoInstallOptions {
  /** From the go.mod of the version; older compilers stop at it with a message about the language version. */
  readonly neededGo: { readonly major: number; readonly minor: number };
  readonly signal: AbortSignal;
}

/**
 * Builds `module@version` with `go install` into `folder`. Rejects with the reason when there is no Go that can.
 */
export async function goInstall(
  moduleAtVersion: string,
  folder: string,
  { neededGo, signal }: GoInstallOptions,
): Promise<void> {
  const result = await runCommand('go', ['env', 'GOVERSION'], { signal });
  const found = /^go(\d+)\.(\d+)/.exec(result.stdout);
  const needed = `go install needs Go ${neededGo.major}.${neededGo.minor} or newer`;
  if (result.code !== 0 || found === null) throw new Error(`${needed}, and there is no go on PATH`);
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major < neededGo.major || (major === neededGo.major && minor < neededGo.minor)) {
    throw new Error(`${needed}, and this is ${result.stdout.trim()}`);
  }
  await mkdir(folder, { recursive: true });
  await runOrThrow('go', ['install', moduleAtVersion], {
    env: { ...process.env, GOBIN: folder },
    timeoutMs: BUILD_LIMIT_MS,
    signal,
  });
}
