import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const SOURCE = join(import.meta.dirname, '../replica.ts');

/** What an ES module lacks that CommonJS inside of it asks for. */
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** A replica in one file. */
export interface ReplicaProgram {
  readonly path: string;
  remove(): Promise<void>;
}

/** Makes one file of a replica: it starts in half the processor time that its 700 files take, and hundreds are started. */
export async function buildReplica(): Promise<ReplicaProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-replica-'));
  const path = join(folder, 'replica.mjs');
  await build({
    entryPoints: [SOURCE],
    outfile: path,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    conditions: ['development'],
    banner: { js: BANNER },
    logLevel: 'error',
  });
  return { path, remove: () => rm(folder, { recursive: true }) };
}
