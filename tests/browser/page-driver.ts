import type { Page } from 'playwright-core';
import type { PendingFound, TestOutcome, TestUploaderOptions } from './page/test-page-api.ts';
import { pickFiles } from './test-page.ts';
import type { TestFile } from './test-file.ts';

/** One tab with the test page, as a test drives it. */
export interface PageDriver {
  /** Picks a file and starts its upload. Answers its number. */
  start(file: TestFile, options: TestUploaderOptions): Promise<number>;
  outcome(upload: number): Promise<TestOutcome>;
  whenStored(upload: number, count: number): Promise<void>;
  /** Kind of its state. */
  state(upload: number): Promise<string>;
  act(upload: number, deed: 'pause' | 'resume' | 'cancel'): Promise<void>;
  pending(options: TestUploaderOptions): Promise<readonly PendingFound[]>;
}

/** Drives a tab that shows the test page. */
export function drive(page: Page): PageDriver {
  return {
    async start(file, options) {
      await pickFiles(page, [file]);
      const [upload = -1] = await page.evaluate((given) => testPage.start(given), options);
      return upload;
    },
    outcome: async (upload) => await page.evaluate((id) => testPage.outcome(id), upload),
    whenStored: async (upload, count) =>
      await page.evaluate(([id, wanted]) => testPage.whenStored(id, wanted), [upload, count] as const),
    state: async (upload) => await page.evaluate((id) => testPage.state(id), upload),
    act: async (upload, deed) =>
      await page.evaluate(([id, what]) => void testPage[what](id), [upload, deed] as const),
    pending: async (options) => await page.evaluate((given) => testPage.pending(given), options),
  };
}
