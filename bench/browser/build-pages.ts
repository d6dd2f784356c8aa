import { join } from 'node:path';
import { build } from 'esbuild';

/** Those that upload from a page, and where their code is. */
export const PAGES = {
  longhaul: 'browser/page/longhaul.ts',
  'blob-put': 'browser/page/blob-put.ts',
  'uppy-5.1': 'peers/uppy-5/page.ts',
  'uppy-6.3': 'peers/uppy-6/page.ts',
} as const;

/** What pages load by its address. */
const WORKERS = {
  'checksum-worker': '../packages/sdk/src/lib/platform/browser/checksum-worker.ts',
  'sending-worker': '../packages/sdk/src/lib/platform/browser/sending-worker.ts',
};

/** Name of a page. */
export type PageName = keyof typeof PAGES;

/** Where the built pages are. */
export const PAGES_FOLDER: string = join(import.meta.dirname, '../../.longhaul/bench/pages');

/**
 * Bundles every page as an application's bundler would. What Longhaul loads on demand stays in files of its own, and each worker is
 * one file.
 */
export async function buildPages(): Promise<void> {
  await Promise.all([bundle(PAGES, true), bundle(WORKERS, false)]);
}

async function bundle(programs: Readonly<Record<string, string>>, splitting: boolean): Promise<void> {
  await build({
    entryPoints: Object.fromEntries(
      Object.entries(programs).map(([name, path]) => [name, join(import.meta.dirname, '..', path)]),
    ),
    outdir: PAGES_FOLDER,
    bundle: true,
    minify: true,
    splitting,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
  });
}
