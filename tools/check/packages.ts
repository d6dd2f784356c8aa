import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckFailure, mustRun, mustRunPnpm } from './command.ts';
import { withTemporaryFolder } from './leave-nothing.ts';
import { type Package, readPublicPackages } from './workspace.ts';

/** A package as it would be published. */
export interface PackedPackage extends Package {
  /** Path of the .tgz file. */
  readonly tarball: string;
}

/** Builds what is published: JavaScript and declarations, with the private protocol inside. */
export async function checkBuild(): Promise<void> {
  await mustRunPnpm(['run', 'build']);
}

/** Looks at the tarballs as npm, Node and TypeScript do. */
export async function checkPackages(): Promise<void> {
  await withPackedPackages(async (packed) => {
    const failures: string[] = [];
    for (const { name, tarball } of packed) {
      await Promise.all([
        mustRun('publint', ['run', tarball, '--strict']),
        mustRun('attw', [
          tarball,
          '--profile',
          'esm-only',
          '--no-definitely-typed',
          '--no-emoji',
          '--format',
          'ascii',
        ]),
      ]).catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
    }
    if (failures.length > 0) throw new CheckFailure(failures.join('\n'));
  });
}

/** Packs every public package into a folder that is gone when `use` has ended. */
export async function withPackedPackages<Result>(
  use: (packed: readonly PackedPackage[], folder: string) => Promise<Result>,
): Promise<Result> {
  return await withTemporaryFolder(async (folder) => await use(await packInto(folder), folder));
}

async function packInto(folder: string): Promise<readonly PackedPackage[]> {
  const packed: PackedPackage[] = [];
  for (const candidate of await readPublicPackages()) {
    const own = join(folder, candidate.name.replaceAll(/\W+/g, '-'));
    await mkdir(own);
    await mustRunPnpm(['pack', '--pack-destination', own], candidate.folder);
    const [file] = await readdir(own);
    if (file === undefined) throw new CheckFailure(`pnpm pack made no tarball of ${candidate.name}`);
    packed.push({ ...candidate, tarball: join(own, file) });
  }
  return packed;
}
