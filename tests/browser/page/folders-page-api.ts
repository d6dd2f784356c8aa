import type { TotalProgress } from '@longhaul/sdk/many';

/** What a test asks of the page, by `page.evaluate`. */
export interface FoldersPage {
  /** What was picked or dropped last, once all of it has ended. */
  outcome(): Promise<FoldersOutcome>;
}

/** What became of a list. */
export interface FoldersOutcome {
  readonly files: readonly {
    readonly name: string | undefined;
    readonly key: string | undefined;
    readonly error: string | undefined;
  }[];
  readonly progress: TotalProgress;
}
