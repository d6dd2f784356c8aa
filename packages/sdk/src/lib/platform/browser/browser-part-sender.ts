import type { PartSender } from '../../ports/part-sender.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import { createAside } from './send-aside.ts';
import { sendByXhr } from './xhr-part-sender.ts';

/** Sent from here: in less time than it takes to ask somebody else. */
const SMALL_BYTES = 1024 ** 2;

/**
 * Sends parts from a worker, so that the page is told of progress ten times a second, and not by every connection twenty
 * times. Until the worker is there, and where there can be none, parts are sent from here.
 */
export function createBrowserPartSender(): PartSender<BlobSource> {
  // Whoever uploads in a worker has no page to spare.
  const sendAside = 'document' in globalThis ? createAside(sendByXhr) : sendByXhr;
  return { send: (part) => (part.sizeBytes > SMALL_BYTES ? sendAside : sendByXhr)(part) };
}
