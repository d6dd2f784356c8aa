// The page of the tests of folders: a picker and a place to drop, and what became of what was uploaded.
import { createUploader } from '@longhaul/sdk';
import { filesOfDrop, filesOfInput, uploadAll, type UploadList } from '@longhaul/sdk/many';
import type { FoldersPage } from './folders-page-api.ts';

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
