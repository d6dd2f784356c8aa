import type { PageTarget } from '../page-target.ts';

/** Uploads a file from a page. */
export type PageUpload = (file: File) => Promise<unknown>;

declare global {
  // The bench calls them by name: the one when the page is open, the other with the file that it has picked.
  var openUploader: (target: PageTarget) => Promise<void>;
  var runUpload: () => Promise<{ seconds: number }>;
}

/** Nobody picks a file sooner. */
const PICKING_MS = 1_000;

/**
 * Makes an upload callable for the bench, which learns how long it took.
 *
 * @param open makes the uploader, as an application does when its page is opened
 */
export function offer(open: (target: PageTarget) => PageUpload): void {
  let upload: PageUpload | undefined;
  globalThis.openUploader = async (target) => {
    upload = open(target);
    await new Promise((picked) => setTimeout(picked, PICKING_MS));
  };
  globalThis.runUpload = async () => {
    const file = document.querySelector('input')?.files?.[0];
    if (!file || !upload) throw new Error('no file was picked, or there is no uploader');
    const startMs = performance.now();
    await upload(file);
    return { seconds: (performance.now() - startMs) / 1000 };
  };
}
