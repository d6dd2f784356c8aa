import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** A file of the page, ready to be served. */
export interface PageFile {
  readonly contentType: string;
  readonly body: Uint8Array;
}

const FOLDER = join(import.meta.dirname, 'page');

/**
 * The demo page, bundled in memory: by the name under which each file is served (`index.html`, `page.css`, `page.js`).
 */
export async function buildPage(): Promise<Map<string, PageFile>> {
  const [html, css, script] = await Promise.all([
    readFile(join(FOLDER, 'index.html')),
    readFile(join(FOLDER, 'page.css')),
    bundleScript(),
  ]);
  return new Map([
    ['index.html', { contentType: 'text/html; charset=utf-8', body: html }],
    ['page.css', { contentType: 'text/css; charset=utf-8', body: css }],
    ['page.js', { contentType: 'text/javascript; charset=utf-8', body: script }],
  ]);
}

async function bundleScript(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(FOLDER, 'page.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  const [script] = outputFiles;
  if (!script) throw new Error('esbuild gave no page.js');
  return script.contents;
}
