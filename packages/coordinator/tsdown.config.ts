import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/s3-object-store.ts',
    'src/sqlite.ts',
    'src/postgres.ts',
    'src/redis.ts',
    'src/kafka.ts',
    'src/webhook.ts',
    'src/api-keys.ts',
    'src/jwt.ts',
    'src/prometheus.ts',
    'src/key-vault.ts',
    'src/aws-keys.ts',
    'src/testing.ts',
    'src/main.ts',
  ],
  platform: 'node',
  target: 'node22.13',
  fixedExtension: false,
  dts: true,
  // The private protocol, a neighbour in the workspace, goes in. Nothing that is installed may: package.json would not tell.
  deps: { onlyBundle: [] },
});
