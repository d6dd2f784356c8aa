/** Runtimes besides Node, as their makers publish them on npm. Nothing stays running: tests start the programs themselves. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram, runOrThrow } from './command.ts';
import { SERVICES_FOLDER } from './run-folders.ts';
import { readVariable, type Candidate, type Env, type Service } from './service.ts';

const INSTALL_LIMIT_MS = 5 * 60_000;
const isArm = process.arch === 'arm64';

interface Runtime {
  readonly name: string;
  readonly version: string;
  /** Holds the program for this kind of machine alone. */
  readonly packageName: string;
  /** Path of the program in the package. */
  readonly program: string;
}

/** Each of them, with what it has that others have not. */
export const RUNTIMES: readonly Service[] = [
  // Node's own modules, and a `fetch` of its own.
  runtime({
    name: 'bun',
    version: '1.4.5',
    packageName: `@oven/bun-linux-${isArm ? 'aarch64' : 'x64'}`,
    program: 'bin/bun',
  }),
  // Node's own modules on top of the web's.
  runtime({
    name: 'deno',
    version: '2.9.6',
    packageName: `@deno/linux-${process.arch}-glibc`,
    program: 'deno',
  }),
  // Runs Cloudflare Workers: the web's interfaces alone.
  runtime({
    name: 'workerd',
    version: '1.20261117.1',
    packageName: `@cloudflare/workerd-linux-${isArm ? 'arm64' : '64'}`,
    program: 'bin/workerd',
  }),
];

function runtime({ name, version, packageName, program }: Runtime): Service {
  const variable = `LONGHAUL_TEST_${name.toUpperCase()}`;
  const folder = join(SERVICES_FOLDER, 'bin', `${name}-${version}`);
  const file = join(folder, 'node_modules', packageName, program);

  const find = async (): Promise<Candidate> => {
    const found = await findProgram([name], [dirname(file)]);
    if (found === undefined) return { kind: 'missing', reason: `${name} is not on PATH` };
    const banner = await runOrThrow(found, ['--version']);
    const env = { [variable]: found };
    return {
      kind: 'found',
      version: /\d[\d.-]+/.exec(banner)?.[0] ?? banner.trim(),
      launch: async () => env,
    };
  };
  const build = async (signal: AbortSignal): Promise<void> => {
    if (process.platform !== 'linux') throw new Error(`install ${name} yourself, so that it is on PATH`);
    await mkdir(folder, { recursive: true });
    const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'];
    const args = ['install', '--prefix', folder, ...options, `${packageName}@${version}`];
    await runOrThrow('npm', args, { timeoutMs: INSTALL_LIMIT_MS, signal });
  };
  return {
    name,
    variables: [variable],
    aptPackages: [],
    find,
    build,
    docker: { kind: 'none', reason: 'tests must start it themselves, which no container allows' },
    probe: async (env: Env) => void (await runOrThrow(readVariable(env, variable), ['--version'])),
  };
}
