import type { Platform } from '../../ports/platform.ts';
import { type BlobInput, type BlobSource, createBlobSource, toBlob } from '../../sources/blob-source.ts';
import { systemClock } from '../../system-clock.ts';
import { browserConnectivity } from './browser-connectivity.ts';
import { isFileHandle, openHandle } from './file-handle.ts';
import { createXhrPartSender } from './xhr-part-sender.ts';

/**
 * What can be uploaded from a browser: a `File` or another `Blob`, or bytes in memory. With a `FileSystemFileHandle` (from
 * `showOpenFilePicker`, or `getAsFileSystemHandle` of a drop) a later page can go on without the user picking the file
 * again.
 */
export type BrowserInput = BlobInput | FileSystemFileHandle;

/** Browsers keep at most six connections to one HTTP/1.1 server, and S3 speaks nothing newer. */
const CONNECTIONS_PER_HOST = 6;

/** A page, or a worker of one. */
export const browserPlatform: Platform<BrowserInput, BlobSource> = {
  defaultConcurrency: CONNECTIONS_PER_HOST,
  clock: systemClock,
  connectivity: browserConnectivity,
  openSource: async (input) =>
    isFileHandle(input)
      ? { ...createBlobSource(await openHandle(input)), handle: input }
      : createBlobSource(toBlob(input)),
  createSender: createXhrPartSender,
  digester: {
    algorithms: ['CRC32', 'CRC64NVME', 'MD5'],
    digest: async (stretch) => await (await import('./blob-digester.ts')).digestBlob(stretch),
  },
};
