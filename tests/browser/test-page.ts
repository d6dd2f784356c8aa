import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { TestPage } from './page/test-page-api.ts';
import { serveOnFreePort, type TestServer } from './serve-on-free-port.ts';

declare global {
  // Lives in the page: functions given to `page.evaluate` see it, tests do not.
  var testPage: TestPage;
}

const HTML = `<!doctype html><meta charset="utf-8"><title>Test page</title>
<input type="file" multiple><script type="module" src="/test-page.js"></script>`;

/** Serves the test page with the SDK's browser bundle, as an application's bundler would make it. */
export async function serveTestPage(): Promise<TestServer> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'page', 'test-page.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  const script = outputFiles[0]?.text ?? '';
  return await serveOnFreePort((request) =>
    new URL(request.url).pathname === '/test-page.js'
      ? new Response(script, { headers: { 'content-type': 'text/javascript' } })
      : new Response(HTML, { headers: { 'content-type': 'text/html' } }),
  );
}

/** Picks files, as a user does. */
export async function pickFiles(page: Page, files: readonly { readonly path: string }[]): Promise<void> {
  await page.setInputFiles(
    'input',
    files.map(({ path }) => path),
  );
}
