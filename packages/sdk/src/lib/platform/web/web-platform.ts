import { sourceDigester } from '../../integrity/source-digester.ts';
import type { Platform } from '../../ports/platform.ts';
import { createFetchPartSender } from '../../senders/fetch-part-sender.ts';
import { type BlobInput, type BlobSource, createBlobSource, toBlob } from '../../sources/blob-source.ts';
import { systemClock } from '../../system-clock.ts';

/** What can be uploaded where there is `fetch` and no more: a `Blob` or `File`, or bytes in memory. */
export type WebInput = BlobInput;

/** Workers allow so many connections that wait for their answer. */
const CONNECTIONS = 6;

/** Any runtime with the web's own interfaces: `fetch`, `Blob`, `crypto`, `AbortSignal`. */
export const webPlatform: Platform<WebInput, BlobSource> = {
  defaultConcurrency: CONNECTIONS,
  clock: systemClock,
  openSource: async (input) => createBlobSource(toBlob(input)),
  createSender: () => createFetchPartSender(),
  digester: sourceDigester,
};
