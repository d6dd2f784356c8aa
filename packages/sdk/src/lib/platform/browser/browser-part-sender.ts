import type { PartSender } from '../../ports/part-sender.ts';
import type { BlobSource } from '../../sources/blob-source.ts';
import { createAside } from './send-aside.ts';
import { sendByXhr } from './xhr-part-sender.ts';

/** Sent from here: in less time than it takes to ask somebody else. */
const SMALL_BYTES = 1024 ** 2;

/**
 * Parts are sent from a worker, so that the page is told of progress five times a second, and not by every connection twenty
 * times. Until the worker is there, and where there can be none, they are sent from here. Whoever uploads in a worker has no page to
 * spare.
 */
const aside = 'document' in globalThis ? createAside(sendByXhr) : undefined;

/**
 * Begins to start what sends: it takes as long as the coordinator does.
 *
 * @param sizeBytes of the file; left out: nobody has picked one yet
 */
export function getReady(sizeBytes?: number): void {
  if (sizeBytes === undefined || sizeBytes > SMALL_BYTES) aside?.getReady(sizeBytes === undefined);
}

/** Sends a part, from the worker if it is there and the part is worth it. */
export const sendPart: PartSender<BlobSource>['send'] = (part) =>
  (part.sizeBytes > SMALL_BYTES && aside ? aside.send : sendByXhr)(part);
