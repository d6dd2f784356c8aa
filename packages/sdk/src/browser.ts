/**
 * The uploader for browsers: `File`, `Blob` and bytes, sent by `XMLHttpRequest`.
 *
 * @module
 */
import { addressOf } from './lib/address.ts';
import { fingerprintOf } from './lib/fingerprint.ts';
import { createKyCall } from './lib/http/ky-call.ts';
import { type BrowserInput, browserPlatform, openFile } from './lib/platform/browser/browser-platform.ts';
import { browserResumeStore } from './lib/platform/browser/browser-resume-store.ts';
import type { PendingUpload } from './lib/platform/browser/pending-uploads.ts';
import { type CreateUploader, createUploaderOf, type Uploader } from './lib/uploader/create-uploader.ts';
import { UploadError } from './lib/upload-error.ts';
import type { UploaderOptions } from './lib/uploader/options.ts';
import type { ShareUpload, WarmUp } from './lib/uploader/workshop.ts';
import type { UploadHandle } from './lib/uploader/upload-handle.ts';

/** An uploader in a page or a worker. */
export interface BrowserUploader extends Uploader<BrowserInput> {
  /**
   * Uploads of this coordinator that an earlier page has left open, oldest first: to offer them to the user. Those below
   * 5 MiB are not kept, nor any where `resumeStore` was given. Rejects where the browser denies IndexedDB.
   *
   * @example
   * for (const pending of await uploader.pendingUploads()) {
   *   addButton(`Go on with ${pending.name}`, async () => follow(await pending.resume()));
   * }
   */
  pendingUploads(): Promise<readonly PendingUpload<UploadHandle>[]>;
}

/**
 * An uploader in a page or a worker. Create one and use it for all files: it shares six connections among them.
 *
 * What sends, digests and remembers (11 kB, brotli) is loaded once the page has nothing else to do, and three workers are started, which end
 * after a minute if nothing is uploaded: create no uploader in a page that uploads nothing.
 *
 * Tabs of one origin that upload the same file with the same options at the same coordinator, each with an uploader,
 * share the work where the browser has Web Locks: one leads, the others follow, and all of them get the one result.
 *
 * @throws TypeError if `options.coordinator` is no absolute URL and no function, or `options.concurrency` no number
 * @example
 * const uploader = createUploader({ coordinator: 'https://uploads.example.com' });
 * const { key } = await uploader.upload(input.files[0]).result;
 */
export function createUploader(options: UploaderOptions): BrowserUploader {
  const { coordinator } = options;
  const uploader = createUploaderOf(
    browserPlatform,
    { resumeStore: browserResumeStore, ...options },
    { createCall: createKyCall, shareUpload, warmUp: (upload) => warmUp(upload, coordinator) },
  );
  whenIdle(() => loadAhead(options));
  return {
    ...uploader,
    async pendingUploads() {
      const { pendingUploads } = await import('./lib/platform/browser/pending-uploads.ts');
      const address = typeof coordinator === 'function' ? undefined : addressOf(String(coordinator));
      return await pendingUploads({
        upload: uploader.upload,
        address,
        openSource: openFile,
        fingerprintOf,
        UploadError,
      });
    },
  };
}
createUploader satisfies CreateUploader<BrowserInput>;

const loadTabs = () => import('./lib/tabs/share-upload.ts').catch(() => undefined);

/** Safari has no idle callbacks. */
const IDLE_AFTER_MS = 1_000;

function whenIdle(task: () => void): void {
  const { requestIdleCallback: ask } = globalThis as { requestIdleCallback?: (task: () => void) => void };
  if (ask) ask(task);
  else setTimeout(task, IDLE_AFTER_MS);
}

/**
 * What an upload needs on its way: there by the time that a file is picked, its workers too, which take longest. What is not is
 * loaded, or missed, by the upload itself.
 */
function loadAhead({ integrity = true }: UploaderOptions): void {
  // Some browsers remember that a file could not be loaded.
  if (!navigator.onLine) return;
  void loadTabs();
  for (const code of [
    import('./lib/uploader/sending.ts'),
    import('./lib/platform/browser/browser-part-sender.ts').then(({ getReady }) => getReady()),
    ...(integrity
      ? [import('./lib/platform/browser/blob-digester.ts').then((code) => code.getReady(true))]
      : []),
    import('./lib/platform/browser/indexed-db-resume-store.ts'),
  ])
    code.catch(() => {});
}

function warmUp(
  { source, resumeStore, integrity }: Parameters<WarmUp>[0],
  coordinator: UploaderOptions['coordinator'],
): void {
  if (typeof coordinator !== 'function') connectTo(coordinator);
  void loadTabs();
  if (integrity)
    import('./lib/platform/browser/blob-digester.ts').then((code) => code.getReady()).catch(() => {});
  const { minSizeBytes = 0, find } = browserResumeStore;
  // Nothing has this key, but a database that was just open opens sooner.
  if (resumeStore === browserResumeStore && source.sizeBytes >= minSizeBytes) find('').catch(() => {});
}

/** What is no HTML has no head. */
type Page = Pick<Document, 'createElement'> & { readonly head: HTMLElement | null };

/** Opens the connection while the file is looked at: the create call then goes out on it. A worker has no document to ask. */
function connectTo(href: string | URL): void {
  const { document: page } = globalThis as { document?: Page };
  if (!page?.head) return;
  const link = page.createElement('link');
  Object.assign(link, { rel: 'preconnect', crossOrigin: 'anonymous', href });
  page.head.append(link);
  link.remove();
}

const shareUpload: ShareUpload = async (key, control, lead) => {
  const tabs = await loadTabs();
  return await (tabs?.shareUpload(key, control, lead) ?? lead());
};

// Of the core, what every application needs; the rest is behind its own door, `@longhaul/sdk/core`.
export type * from './core.ts';
export { isUploadError, UploadError } from './lib/upload-error.ts';
export type { BrowserInput } from './lib/platform/browser/browser-platform.ts';
export type { PendingUpload } from './lib/platform/browser/pending-uploads.ts';
