import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/s3-object-store.ts',
    'src/sqlite.ts',
    'src/postgres.ts',
    'src/redis.ts',
    'src/testing.ts',
    'src/main.ts',
  ],
  platform: 'node',
  target: 'node22.13',
  fixedExtension: false,
  dts: true,
  // The private protocol goes in, declarations too. Anything else that nobody declared would go in unseen.
  deps: { onlyBundle: ['@longhaul/protocol'] },
});
