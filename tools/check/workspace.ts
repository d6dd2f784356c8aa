import { glob, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** The repository's folder. */
export const ROOT: string = join(import.meta.dirname, '..', '..');

/** What `check` needs to know of a package. */
export interface Package {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The members of a package.json that matter here. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Every package of `packages/`, by name. */
export async function readPackages(): Promise<readonly Package[]> {
  const files = await findFiles('packages/*/package.json');
  return await Promise.all(
    files.map(async (file) => {
      const manifest: Manifest = JSON.parse(await readFile(join(ROOT, file), 'utf8'));
      return { name: manifest.name, folder: join(ROOT, dirname(file)), manifest };
    }),
  );
}

/** The packages that are published. */
export async function readPublicPackages(): Promise<readonly Package[]> {
  return (await readPackages()).filter((candidate) => !candidate.manifest.private);
}

/** Source files behind the exports of a package, relative to the repository. */
export function entryFiles(candidate: Package): readonly string[] {
  const found = targetsOf(candidate.manifest.exports).filter((target) => /\.tsx?$/.test(target));
  return [...new Set(found)].map((target) => relative(ROOT, join(candidate.folder, target)));
}

/** Files that match a pattern, relative to the repository, without what is built or installed. */
export async function findFiles(...patterns: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  const exclude = (path: string): boolean => /(^|\/)(node_modules|dist|\.longhaul|\.services)$/.test(path);
  for await (const file of glob([...patterns], { cwd: ROOT, exclude })) found.push(file);
  return found.toSorted();
}

function targetsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(targetsOf);
}
