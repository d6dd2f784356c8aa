import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder of source files, laid out like this repository, that is gone when `use` has ended. */
export async function withSourceTree<Result>(
  files: ReadonlyMap<string, string>,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'longhaul-tree-')));
  try {
    for (const [path, text] of files) await writeSource(join(folder, path), text);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes an installed package of one empty module. */
export async function installFake(folder: string, name: string): Promise<void> {
  const own = join(folder, 'node_modules', name);
  await writeSource(
    join(own, 'package.json'),
    JSON.stringify({ name, type: 'module', exports: './index.js' }),
  );
  await writeSource(join(own, 'index.js'), 'export {};\n');
}

/** Makes a package of `packages/` known by its name, as the workspace does. */
export async function linkPackage(folder: string, name: string, manifest: object): Promise<void> {
  const own = join(folder, 'packages', name);
  const text = JSON.stringify({ name: `@longhaul/${name}`, type: 'module', ...manifest });
  await writeSource(join(own, 'package.json'), text);
  const scope = join(folder, 'node_modules', '@longhaul');
  await mkdir(scope, { recursive: true });
  await symlink(own, join(scope, name));
}

async function writeSource(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
