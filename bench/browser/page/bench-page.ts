import type { PageTarget } from '../page-target.ts';

/** Uploads a file from a page. */
export type PageUpload = (file: File, target: PageTarget) => Promise<unknown>;

declare global {
  // The bench calls it by name, with the file that it has picked.
  var runUpload: (target: PageTarget) => Promise<{ seconds: number }>;
}

/** Makes an upload callable for the bench, which learns how long it took. */
export function offer(upload: PageUpload): void {
  globalThis.runUpload = async (target) => {
    const file = document.querySelector('input')?.files?.[0];
    if (!file) throw new Error('no file was picked');
    const startMs = performance.now();
    await upload(file, target);
    return { seconds: (performance.now() - startMs) / 1000 };
  };
}
