import { access, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { CheckFailure, mustRun } from './command.ts';
import { ROOT } from './workspace.ts';

// Where .size-limit.json looks for the bundles.
const FOLDER = join(ROOT, '.longhaul', 'bundles');
const SDK_DIST = join(ROOT, 'packages', 'sdk', 'dist');

/** Names of globals that only Node has: left in a bundle they are a crash in the browser. */
const NODE_GLOBALS = ['Buffer', 'process', 'global', 'require', '__dirname', '__filename', 'setImmediate'];

/** The browser's entry and the one for any runtime stay small, and bring nothing that has no business there. */
export async function checkBundles(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  try {
    for (const entry of ['browser.js', 'core.js']) await checkEntry(entry);
    await bundle('browser.js', { outfile: join(FOLDER, 'browser.js') });
    await bundle('browser.js', { outfile: join(FOLDER, 'browser-own.js'), external: ['ky', 'p-limit'] });
    await mustRun('size-limit', []);
  } finally {
    await rm(FOLDER, { recursive: true, force: true });
  }
}

async function checkEntry(entry: string): Promise<void> {
  const metafile = await bundle(entry, { write: false });
  const mistakes = [...(await forbiddenInputs(metafile)), ...(await forbiddenGlobals(entry))];
  if (mistakes.length > 0) throw new CheckFailure(`packages/sdk/dist/${entry}:\n  ${mistakes.join('\n  ')}`);
}

/** Files of other packages in the bundle, and imports that were left in it. */
async function forbiddenInputs(metafile: Metafile): Promise<readonly string[]> {
  const inputs = Object.keys(metafile.inputs).filter(
    (path) =>
      !path.startsWith('packages/sdk/dist/') && !/node_modules\/(ky|p-limit|yocto-queue)\//.test(path),
  );
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return [...inputs.map((path) => `bundles ${path}`), ...imports.map((path) => `imports ${path}`)];
}

/** Uses of Node's globals, as esbuild finds them: in code, not in a string or a comment. */
async function forbiddenGlobals(entry: string): Promise<readonly string[]> {
  const used: string[] = [];
  for (const name of NODE_GLOBALS) {
    const plain = await bundledText(entry, {});
    const marked = await bundledText(entry, { define: { [name]: 'longhaulForbiddenName' } });
    if (plain !== marked && marked.includes('longhaulForbiddenName')) used.push(`uses ${name}`);
  }
  return used;
}

async function bundledText(entry: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({ ...bundleOptions(entry), ...options, write: false });
  return outputFiles?.[0]?.text ?? '';
}

async function bundle(entry: string, options: BuildOptions): Promise<Metafile> {
  await access(join(SDK_DIST, entry)).catch((cause: unknown) => {
    throw new CheckFailure(`packages/sdk/dist/${entry} is not there: build first`, { cause });
  });
  const { metafile } = await build({ ...bundleOptions(entry), ...options, metafile: true });
  return metafile;
}

function bundleOptions(entry: string): BuildOptions {
  return {
    absWorkingDir: ROOT,
    entryPoints: [join(SDK_DIST, entry)],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
    // An import of Node's would fail the build with less to say; left in place, the metafile names it.
    external: ['node:*'],
  };
}
