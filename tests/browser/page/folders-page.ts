// The page of the tests of folders: a picker and a place to drop, and what became of what was uploaded.
import { createUploader } from '@longhaul/sdk';
import {
  filesOfDrop,
  filesOfInput,
  type TotalProgress,
  uploadAll,
  type UploadList,
} from '@longhaul/sdk/many';

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

const coordinator = new URL(location.href).searchParams.get('coordinator') ?? '';
const uploader = createUploader({ coordinator });
const { promise: begun, resolve: begin } = Promise.withResolvers<ReturnType<typeof uploadAll<File>>>();
const foldersPage: FoldersPage = {
  async outcome() {
    const all = await begun;
    const outcomes = await all.result;
    const files = outcomes.map(({ item, result, error }) => ({
      name: item.name,
      key: result?.key,
      error: error instanceof Error ? error.message : undefined,
    }));
    return { files, progress: all.progress };
  },
};
Object.assign(globalThis, { foldersPage });

function start(list: UploadList<File>): void {
  begin(uploadAll<File>(uploader, list));
}

const picker = document.querySelector('input');
picker?.addEventListener('change', () => start(filesOfInput(picker.files)));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  start(filesOfDrop(event.dataTransfer));
});
