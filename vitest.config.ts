import { defineConfig } from 'vitest/config';

// Two projects: `fast` needs nothing but Node; `services` wants the servers that tests/run.ts starts.
// A file's suffix says where it belongs: *.test.ts is fast, *.services.test.ts needs servers.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['packages/*/{src,test}/**/*.test.ts', 'tests/**/*.test.ts'],
          exclude: ['**/*.services.test.ts', '**/node_modules/**', '**/dist/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // By itself vitest leaves one processor free: on a machine with two that is half of it.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'services',
          include: ['packages/*/test/**/*.services.test.ts', 'tests/**/*.services.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // The servers need the machine too, and two large uploads at once fill any of them.
          maxWorkers: 2,
          // After the fast ones; projects that differ in workers must not share a group.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
