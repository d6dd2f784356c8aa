import { access, mkdir, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { basename, join } from 'node:path';
import { build, type BuildOptions, type Metafile, type OutputFile } from 'esbuild';
import { CheckFailure, mustRun } from './command.ts';
import { withFolder } from './leave-nothing.ts';
import { ROOT } from './workspace.ts';

// Where .size-limit.json looks for the bundles.
const FOLDER = join(ROOT, '.longhaul', 'bundles');
const SDK = join(ROOT, 'packages', 'sdk');
const ENTRIES = ['browser', 'core', 'web', 'many-browser'];

/** All that may be in a bundle for browsers. The schemas of the protocol would bring valibot along. */
const ALLOWED_INPUTS =
  /^packages\/(sdk\/src|protocol\/src\/(?!schemas))|(^|\/)node_modules\/(ky|p-limit|yocto-queue)\//;

/** Globals that only Node has: left in a bundle they are a crash in the browser. */
const NODE_GLOBALS = ['Buffer', 'process', 'global', 'require', '__dirname', '__filename', 'setImmediate'];

/** The entries for browsers and for any runtime stay small, and bring nothing that has no business there. */
export async function checkBundles(): Promise<void> {
  const mistakes: string[] = [];
  for (const entry of ENTRIES) {
    mistakes.push(
      ...(await mistakesOf(join(SDK, 'src', `${entry}.ts`))),
      ...(await mistakesOf(builtEntry(entry))),
    );
  }
  if (mistakes.length > 0) throw new CheckFailure(mistakes.join('\n'));
  await checkSizes();
}

async function checkSizes(): Promise<void> {
  await withFolder(FOLDER, async (folder) => {
    await writeParts(join(folder, 'browser'));
    for (const worker of ['checksum-worker', 'sending-worker'])
      await bundle(builtEntry(worker), { write: true, outfile: join(folder, `${worker}.js`) });
    await writeParts(join(folder, 'browser-own'), ['ky', 'p-limit']);
    await mustRun('size-limit', []);
  });
}

/** Writes what a page loads with the entry into one folder, and what it loads when it needs it into another. */
async function writeParts(folder: string, external: string[] = []): Promise<void> {
  const { metafile, outputFiles } = await bundle(builtEntry('browser'), {
    outdir: folder,
    splitting: true,
    external,
  });
  const atOnce = loadedAtOnce(metafile);
  for (const name of ['at-once', 'on-demand']) await mkdir(join(folder, name), { recursive: true });
  for (const { path, contents } of outputFiles) {
    const name = atOnce.has(basename(path)) ? 'at-once' : 'on-demand';
    await writeFile(join(folder, name, basename(path)), contents);
  }
}

/** The entry and whatever it imports by a statement, directly or not. */
function loadedAtOnce({ outputs }: Metafile): ReadonlySet<string> {
  const found = new Set<string>();
  const follow = (path: string): void => {
    found.add(basename(path));
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && !found.has(basename(next))) follow(next);
    }
  };
  for (const [path, { entryPoint }] of Object.entries(outputs)) {
    if (entryPoint?.endsWith('/browser.js')) follow(path);
  }
  return found;
}

async function mistakesOf(entry: string): Promise<readonly string[]> {
  await access(entry).catch((cause: unknown) => {
    throw new CheckFailure(`${entry} is not there`, { cause });
  });
  const found = [...forbiddenModules(await bundle(entry)), ...(await forbiddenGlobals(entry))];
  return found.map((mistake) => `${entry.slice(ROOT.length + 1)}: ${mistake}`);
}

/** Modules that the bundle brings along, and imports that it would leave to the browser. */
function forbiddenModules({ metafile }: { readonly metafile: Metafile }): readonly string[] {
  const inputs = Object.keys(metafile.inputs).filter(
    (path) => !path.startsWith('packages/sdk/dist/') && !ALLOWED_INPUTS.test(path),
  );
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return [...inputs.map((path) => `bundles ${path}`), ...imports.map((path) => `imports ${path}`)];
}

/** Node's globals in use, as the bundler sees it: a word in a string or in a comment is none. */
async function forbiddenGlobals(entry: string): Promise<readonly string[]> {
  const define = Object.fromEntries(NODE_GLOBALS.map((name) => [name, `longhaul_forbidden_${name}`]));
  const { text } = await bundle(entry, { define });
  return NODE_GLOBALS.filter((name) => text.includes(`longhaul_forbidden_${name}`)).map(
    (name) => `uses ${name}`,
  );
}

async function bundle(
  entry: string,
  options: BuildOptions = {},
): Promise<{ metafile: Metafile; outputFiles: readonly OutputFile[]; text: string }> {
  const { metafile, outputFiles = [] } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
    write: false,
    // Left in place, so that the metafile names them; else the build would stop at the first.
    external: builtinModules.flatMap((name) => [name, `node:${name}`]),
    ...options,
    metafile: true,
  });
  return { metafile, outputFiles, text: outputFiles[0]?.text ?? '' };
}

function builtEntry(entry: string): string {
  return join(SDK, 'dist', `${entry}.js`);
}
