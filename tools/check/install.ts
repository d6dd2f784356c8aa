import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckFailure, mustRunPnpm, outcomeOf } from './command.ts';
import { type PackedPackage, withPackedPackages } from './packages.ts';
import { type Manifest, ROOT } from './workspace.ts';

/**
 * Installs the tarballs into an empty project and uses them as a stranger would: imports every entry on plain Node, asks
 * every command for help, uploads a file, and compiles against the declarations with every check on.
 */
export async function checkInstall(): Promise<void> {
  await withPackedPackages(async (packed, folder) => {
    const project = join(folder, 'project');
    const manifests = await install(packed, project);
    const failures = [
      ...(await failedMainEntries(manifests, project)),
      ...(await failedCommands(manifests, project)),
      ...(await failedUpload(project)),
    ];
    await installPeers(manifests, project);
    failures.push(
      ...(await failedEntries(manifests, project)),
      ...(await failedDeclarations(manifests, project)),
    );
    if (failures.length > 0) throw new CheckFailure(failures.join('\n'));
  });
}

/** Answers the manifests as they were published. */
async function install(packed: readonly PackedPackage[], project: string): Promise<readonly Manifest[]> {
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }');
  await writeFile(join(project, 'pnpm-workspace.yaml'), 'ignoreScripts: true\n');
  await mustRunPnpm(['add', '--prefer-offline', ...packed.map(({ tarball }) => tarball)], project);
  return await Promise.all(
    packed.map(async ({ name }) => {
      const file = join(project, 'node_modules', name, 'package.json');
      return JSON.parse(await readFile(file, 'utf8'));
    }),
  );
}

async function installPeers(manifests: readonly Manifest[], project: string): Promise<void> {
  const peers = manifests.flatMap(({ peerDependencies = {} }) =>
    Object.entries(peerDependencies).map(([name, range]) => `${name}@${range}`),
  );
  await mustRunPnpm(['add', '--prefer-offline', ...new Set(peers)], project);
}

/** The main entry of a package must do without what is optional. */
async function failedMainEntries(
  manifests: readonly Manifest[],
  project: string,
): Promise<readonly string[]> {
  return await failedImports(
    manifests.map(({ name }) => name),
    project,
  );
}

async function failedEntries(manifests: readonly Manifest[], project: string): Promise<readonly string[]> {
  const names = manifests.map(({ name }) => name);
  return await failedImports(
    manifests.flatMap(specifiers).filter((specifier) => !names.includes(specifier)),
    project,
  );
}

async function failedImports(names: readonly string[], project: string): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const name of names) {
    // An entry without a single export was not built, or is nothing that anybody could want.
    const script = `const entry = await import(${JSON.stringify(name)}); if (Object.keys(entry).length === 0) throw new Error('no exports');`;
    const { exitCode, output } = await outcomeOf('node', ['--input-type=module', '--eval', script], project);
    if (exitCode !== 0) failures.push(`import '${name}':\n${output}`);
  }
  return failures;
}

async function failedCommands(manifests: readonly Manifest[], project: string): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const command of manifests.flatMap(({ bin = {} }) => Object.keys(bin))) {
    const file = join(project, 'node_modules', '.bin', command);
    const { exitCode, stdout, output } = await outcomeOf(file, ['--help'], project);
    if (exitCode !== 0 || !stdout.includes(command)) failures.push(`$ ${command} --help\n${output}`);
  }
  return failures;
}

/** What is built may lack what only running shows: a worker's file, a migration, a script. */
async function failedUpload(project: string): Promise<readonly string[]> {
  const script = 'upload-as-a-stranger.ts';
  await copyFile(join(import.meta.dirname, script), join(project, script));
  const { exitCode, output } = await outcomeOf('node', [script], project);
  return exitCode === 0 ? [] : [`$ node ${script}\n${output}`];
}

/** Compiles an import of every entry, for Node and for a browser's bundler, declarations of ours fully checked. */
async function failedDeclarations(
  manifests: readonly Manifest[],
  project: string,
): Promise<readonly string[]> {
  const names = manifests.flatMap(specifiers);
  const node = {
    module: 'NodeNext',
    lib: ['ES2024'],
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  const browser = {
    module: 'ESNext',
    moduleResolution: 'Bundler',
    customConditions: ['browser'],
    lib: ['ES2024', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    types: [],
  };
  return [
    ...(await failedCompile('node', names, node, project)),
    ...(await failedCompile(
      'browser',
      names.filter((name) => name.startsWith('@longhaul/sdk')),
      browser,
      project,
    )),
  ];
}

/** The older one: what it takes, the native one takes. */
const COMPILER = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

async function failedCompile(
  runtime: string,
  names: readonly string[],
  options: object,
  project: string,
): Promise<readonly string[]> {
  const source = names.map((name, index) => `export * as entry${index} from '${name}';\n`).join('');
  await writeFile(join(project, `${runtime}.ts`), source);
  const compilerOptions = { ...options, target: 'ES2023', strict: true, skipLibCheck: false, noEmit: true };
  const config = join(project, `tsconfig.${runtime}.json`);
  await writeFile(config, JSON.stringify({ compilerOptions, files: [`${runtime}.ts`] }));
  const args = [COMPILER, '-p', config, '--pretty', 'false'];
  const { exitCode, output } = await outcomeOf(process.execPath, args, project);
  // Other people's declarations are theirs to mend.
  const ours = output
    .split('\n')
    .filter((line) => /^(\S*@longhaul\S*|\w+\.ts)\(/.test(line) || line.startsWith('error'));
  return exitCode !== 0 && ours.length > 0 ? [`types on ${runtime}:\n${ours.join('\n')}`] : [];
}

function specifiers({ name, exports = {} }: Manifest): readonly string[] {
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => `${name}${path.slice(1)}`);
}
