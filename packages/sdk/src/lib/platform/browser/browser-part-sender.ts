import type { PartSender } from '../../ports/part-sender.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import { sendByXhr } from './xhr-part-sender.ts';

/** Sent from here: in less time than it takes to ask somebody else. */
const SMALL_BYTES = 1024 ** 2;

/**
 * Sends parts from a worker, so that the page is told of progress ten times a second and not by every connection each time. Until what
 * that takes is loaded, and where it cannot be had, parts are sent from here.
 */
export function createBrowserPartSender(): PartSender<BlobSource> {
  let send = sendByXhr as PartSender<BlobSource>['send'];
  let loading: Promise<void> | undefined;
  // Whoever uploads in a worker has no page to spare.
  const isPage = 'document' in globalThis;
  return {
    send(part) {
      if (!isPage || part.sizeBytes <= SMALL_BYTES) return sendByXhr(part);
      loading ??= import('./send-aside.ts').then(
        ({ createAside }) => void (send = createAside(sendByXhr)),
        () => {},
      );
      return send(part);
    },
  };
}
