import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** A file of the page, ready to be served. */
export interface PageFile {
  readonly contentType: string;
  readonly body: Uint8Array;
}

const FOLDER = join(import.meta.dirname, 'page');
const WORKERS = join(import.meta.dirname, '../../packages/sdk/src/lib/platform/browser');

/**
 * The demo page, bundled in memory: by the name under which each file is served (`index.html`, `page.css`, `page.js`,
 * `checksum-worker.js`, `sending-worker.js`).
 */
export async function buildPage(): Promise<Map<string, PageFile>> {
  const [html, css, scripts] = await Promise.all([
    readFile(join(FOLDER, 'index.html')),
    readFile(join(FOLDER, 'page.css')),
    bundleScripts(),
  ]);
  return new Map<string, PageFile>([
    ['index.html', { contentType: 'text/html; charset=utf-8', body: html }],
    ['page.css', { contentType: 'text/css; charset=utf-8', body: css }],
    ...scripts,
  ]);
}

/** The page, and the workers that it loads by their address. */
async function bundleScripts(): Promise<[name: string, file: PageFile][]> {
  const { outputFiles } = await build({
    entryPoints: {
      page: join(FOLDER, 'page.ts'),
      'checksum-worker': join(WORKERS, 'checksum-worker.ts'),
      'sending-worker': join(WORKERS, 'sending-worker.ts'),
    },
    outdir: FOLDER,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  return outputFiles.map(({ path, contents }) => [
    basename(path),
    { contentType: 'text/javascript; charset=utf-8', body: contents },
  ]);
}
