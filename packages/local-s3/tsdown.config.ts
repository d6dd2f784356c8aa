import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts'],
  platform: 'node',
  target: 'node22.13',
  fixedExtension: false,
  dts: true,
  // Nothing that is installed may go into the bundle: package.json would not tell.
  deps: { onlyBundle: [] },
});
