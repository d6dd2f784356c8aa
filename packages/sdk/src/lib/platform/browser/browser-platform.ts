import { fullPartSizeOf } from '@longhaul/protocol';
import { loaded } from '../../loaded.ts';
import type { SourceHints } from '../../ports/byte-source.ts';
import type { PartSender } from '../../ports/part-sender.ts';
import type { Platform } from '../../ports/platform.ts';
import { type BlobInput, type BlobSource, createBlobSource, toBlob } from '../../sources/blob-source.ts';
import { type ByteStream, isByteStream } from '../../sources/byte-stream.ts';
import { systemClock } from '../../system-clock.ts';
import { UploadError } from '../../upload-error.ts';
import { browserConnectivity } from './browser-connectivity.ts';
import type * as blobDigester from './blob-digester.ts';
import type * as browserPartSender from './browser-part-sender.ts';
import { isFileHandle, openHandle } from './file-handle.ts';

/**
 * What can be uploaded from a browser: a `File` or another `Blob`, bytes in memory, or a stream of bytes. With a
 * `FileSystemFileHandle` (from `showOpenFilePicker`, or `getAsFileSystemHandle` of a drop) a later page can go on without the
 * user picking the file again.
 */
export type BrowserInput = BlobInput | FileSystemFileHandle | ByteStream;

/** Browsers keep at most six connections to one HTTP/1.1 server, and S3 speaks nothing newer. */
const CONNECTIONS_PER_HOST = 6;

/** A page, or a worker of one. */
export const browserPlatform: Platform<BrowserInput, BlobSource> = {
  defaultConcurrency: CONNECTIONS_PER_HOST,
  clock: systemClock,
  connectivity: browserConnectivity,
  openSource,
  createSender,
  digester: {
    algorithms: ['CRC32', 'CRC64NVME', 'MD5'],
    digest: async (stretch) => await (await loadDigester()).digestBlob(stretch),
  },
};

function createSender(): PartSender<BlobSource> {
  return {
    // One of them for the preflight.
    opensInRoundTrips: 2,
    send: async (part) => await (await loadSender()).sendPart(part),
  };
}

let partSender: typeof browserPartSender | undefined;
let digester: typeof blobDigester | undefined;

// Kept: to import what is there already takes a page longer than to hand over a part.
async function loadSender(): Promise<typeof browserPartSender> {
  return (partSender ??= await loaded(import('./browser-part-sender.ts')));
}

async function loadDigester(): Promise<typeof blobDigester> {
  return (digester ??= await loaded(import('./blob-digester.ts')));
}

/** Opens what can be read again and again. */
export async function openFile(input: BlobInput | FileSystemFileHandle): Promise<BlobSource> {
  return isFileHandle(input)
    ? { ...createBlobSource(await openHandle(input)), handle: input }
    : createBlobSource(toBlob(input));
}

async function openSource(input: BrowserInput, hints: SourceHints): Promise<BlobSource> {
  // Under way while the coordinator is asked; who needs it is told if it fails.
  const sender = loadSender();
  sender.catch(() => {});
  if (!isByteStream(input)) {
    const source = await openFile(input);
    sender.then(({ getReady }) => getReady(source.sizeBytes)).catch(() => {});
    return source;
  }
  // On demand: most pages never upload one.
  const { openBrowserStream } = await import('./browser-stream.ts');
  const opened = await openBrowserStream(input, hints, { UploadError, fullPartSizeOf });
  return opened instanceof Blob ? createBlobSource(opened) : opened;
}
