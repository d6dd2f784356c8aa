import { defineConfig } from 'tsdown';

// The private protocol is bundled, declarations too; everything that package.json names stays an import.
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
});
