import { defineConfig } from 'tsdown';

// One build for all entries, so that they share their code: an UploadError is the same class through every door.
export default defineConfig({
  entry: ['src/browser.ts', 'src/node.ts', 'src/core.ts', 'src/web.ts', 'src/cli.ts'],
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  dts: true,
  // Nothing that is installed may go into the bundle: package.json would not tell.
  deps: { neverBundle: [/^node:/], onlyBundle: [] },
});
