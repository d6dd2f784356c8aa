import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, runCommand, runOrThrow } from './command.ts';
import { SERVICES_FOLDER } from './run-folders.ts';
import type { Candidate } from './service.ts';

const INSTALL_LIMIT_MS = 6 * 60_000;

/** A program that its makers publish on PyPI. */
export interface PythonProgram {
  /** Name of its folder. */
  readonly name: string;
  readonly version: string;
  /** What pip installs, each with its version. */
  readonly requirements: readonly string[];
  /** Path of the program in its environment. */
  readonly program: string;
}

/** Debian's packages that {@link installPython} needs where there is no Python that can make environments. */
export const PYTHON_PACKAGES: readonly string[] = ['python3-venv'];

/** The program in the environment that {@link installPython} has made, or why there is none. */
export async function findPython({
  name,
  version,
  program,
}: PythonProgram): Promise<
  { readonly kind: 'found'; readonly program: string } | Extract<Candidate, { kind: 'missing' }>
> {
  const folder = folderOf(name, version);
  const isWhole = await access(join(folder, WHOLE)).then(
    () => true,
    () => false,
  );
  if (isWhole) return { kind: 'found', program: join(folder, program) };
  const reason = `${name} ${version} is not here`;
  return { kind: 'missing', reason, ...((await hasVenv()) && { aptPackages: [] }) };
}

/** Makes an environment of its own for a program. Rejects with the last words of pip when it cannot be had. */
export async function installPython(
  { name, version, requirements }: PythonProgram,
  signal: AbortSignal,
): Promise<void> {
  const folder = folderOf(name, version);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await runOrThrow('python3', ['-m', 'venv', folder], { signal });
  const options = ['--quiet', '--disable-pip-version-check', '--no-input'];
  await runOrThrow(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', ...options, ...requirements], {
    timeoutMs: INSTALL_LIMIT_MS,
    signal,
  });
  await writeFile(join(folder, WHOLE), '');
}

/** Written last: an install that was cut short is never taken for a whole one. */
const WHOLE = '.whole';

function folderOf(name: string, version: string): string {
  return join(SERVICES_FOLDER, 'bin', `${name}-${version}`);
}

async function hasVenv(): Promise<boolean> {
  if ((await findProgram(['python3'])) === undefined) return false;
  return (await runCommand('python3', ['-c', 'import venv, ensurepip'])).code === 0;
}
