import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { TestPage } from './page/test-page-api.ts';
import { serveOnFreePort, type TestServer } from './serve-on-free-port.ts';

declare global {
  // Lives in the page: functions given to `page.evaluate` see it, tests do not.
  var testPage: TestPage;
}

const SDK = join(import.meta.dirname, '../../packages/sdk/src');

const HTML = `<!doctype html><meta charset="utf-8"><title>Test page</title>
<input type="file" multiple><script type="module" src="/test-page.js"></script>`;

/** Serves the test page with the SDK's browser bundle, as an application's bundler would make it; `/without-workers` forbids them. */
export async function serveTestPage(): Promise<TestServer> {
  const { outputFiles } = await build({
    entryPoints: {
      'test-page': join(import.meta.dirname, 'page', 'test-page.ts'),
      'checksum-worker': join(SDK, 'lib/platform/browser/checksum-worker.ts'),
      'sending-worker': join(SDK, 'lib/platform/browser/sending-worker.ts'),
    },
    outdir: '/',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  const scripts = new Map(outputFiles.map(({ path, text }) => [path, text]));
  return await serveOnFreePort((request) => {
    const { pathname } = new URL(request.url);
    const script = scripts.get(pathname);
    if (script !== undefined) return new Response(script, { headers: { 'content-type': 'text/javascript' } });
    const policy = pathname === '/without-workers' && { 'content-security-policy': "worker-src 'none'" };
    return new Response(HTML, { headers: { 'content-type': 'text/html', ...policy } });
  });
}

/** Picks files, as a user does. */
export async function pickFiles(page: Page, files: readonly { readonly path: string }[]): Promise<void> {
  await page.setInputFiles(
    'input',
    files.map(({ path }) => path),
  );
}
