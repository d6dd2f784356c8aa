import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, runCommand, runOrThrow } from './command.ts';
import { SERVICES_FOLDER } from './run-folders.ts';
import type { Place } from './place.ts';
import type { Candidate, Service } from './service.ts';

const INSTALL_LIMIT_MS = 6 * 60_000;

/** A program that its makers publish on PyPI. */
interface PythonProgram {
  /** Name of its folder. */
  readonly name: string;
  readonly version: string;
  /** What pip installs, each with its version. */
  readonly requirements: readonly string[];
  /** Path of the program in its environment. */
  readonly program: string;
}

/** What a service of such a program is, beside it. */
interface PythonService extends Pick<Service, 'variables' | 'probe'> {
  readonly program: PythonProgram;
  /** Resolves with the variables of the tests once it answers. */
  readonly launch: (place: Place, program: string) => Promise<Record<string, string>>;
  /** Why no container will do. */
  readonly noDocker: string;
}

/** A service in a Python environment of its own. */
export function pythonService({ program, launch, noDocker, ...service }: PythonService): Service {
  return {
    ...service,
    name: program.name,
    aptPackages: PYTHON_PACKAGES,
    async find() {
      const found = await findPython(program);
      if (found.kind === 'missing') return found;
      return { kind: 'found', version: program.version, launch: (place) => launch(place, found.program) };
    },
    build: (signal) => installPython(program, signal),
    docker: { kind: 'none', reason: noDocker },
  };
}

/** Debian's packages that an install needs where there is no Python that can make environments. */
const PYTHON_PACKAGES: readonly string[] = ['python3-venv'];

/** The program in the environment that an install has made, or why there is none. */
async function findPython({
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
async function installPython(
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
