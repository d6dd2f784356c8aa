/** Something that stops no upload and is worth mending. Told once for each uploader. */
export interface UploadNotice {
  /**
   * Stable: programs may switch on it. `ETAG_HIDDEN`: the store's answers to parts show no ETag, in a browser because the
   * bucket's CORS rule does not expose it. The coordinator then looks the parts up in the store's listing: one call more
   * for each thousand parts.
   */
  readonly code: 'ETAG_HIDDEN';
  /** One sentence, with what to do. */
  readonly message: string;
}

/** Takes notices. What it throws is reported as an uncaught error and concerns no upload. */
export type NoticeListener = (notice: UploadNotice) => void;

/** Passes each notice on the first time only. */
export function onceEach(listener: NoticeListener): NoticeListener {
  const told = new Set<string>();
  return (notice) => {
    if (told.has(notice.code)) return;
    told.add(notice.code);
    queueMicrotask(() => listener(notice));
  };
}

/** Tells whoever looks at the console: the mistake is in a bucket's configuration, and who can mend it looks there. */
export function warn({ message }: UploadNotice): void {
  // oxlint-disable-next-line no-console
  console.warn(message);
}
