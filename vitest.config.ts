import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Begun last they would be alone on the machine in the end. */
const LONGEST = /kill-points\.services|large-uploads|uploads\.services|mutants|simulate|cli\.test/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// Two projects: `fast` needs nothing but Node; `services` wants the servers that tests/run.ts starts.
// A file's suffix says where it belongs: *.test.ts is fast, *.services.test.ts needs servers.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
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
