import { defineConfig } from 'tsdown';

export default defineConfig({
  // The worker is a file of its own, beside the bundle that starts it.
  entry: { index: 'src/index.ts', 'hash-worker': 'src/lib/body/hash-worker.ts' },
  platform: 'node',
  target: 'node22.13',
  fixedExtension: false,
  dts: true,
  // Nothing that is installed may go into the bundle: package.json would not tell.
  deps: { onlyBundle: [] },
});
