import { join } from 'node:path';
import { build } from 'esbuild';

/** Those that upload from Node. */
export const NODE_CLIENTS = ['longhaul', 'lib-storage'] as const;

const BUILD_FOLDER = join(import.meta.dirname, '../../.longhaul/bench');

/** Loaded by its address, beside whatever loads it. */
const DIGEST_WORKER = join(import.meta.dirname, '../../packages/sdk/src/lib/platform/node/digest-worker.ts');

/** JavaScript, as users run it: stripping types at start would count as our time and memory. */
export async function buildNodeClients(): Promise<void> {
  await build({
    entryPoints: NODE_CLIENTS.map((client) => join(import.meta.dirname, `${client}.ts`)),
    outdir: BUILD_FOLDER,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['@aws-sdk/*'],
  });
  await build({
    entryPoints: [DIGEST_WORKER],
    outfile: join(BUILD_FOLDER, 'digest-worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
  });
}

/**
 * The built script of a client: arguments are file, backend and, if not the defaults, part size, concurrency
 * and (of Longhaul alone) `on` or `off` for integrity.
 */
export function nodeClientScript(client: (typeof NODE_CLIENTS)[number]): string {
  return join(BUILD_FOLDER, `${client}.mjs`);
}
