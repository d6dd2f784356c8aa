import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['src/index.ts'],
  platform: 'node',
  target: 'node22.13',
  fixedExtension: false,
  dts: true,
  // What package.json does not declare must not slip into the bundle.
  deps: { onlyBundle: [] },
});
