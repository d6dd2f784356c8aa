import type { FileHandle } from 'node:fs/promises';
import { DEFAULT_PART_SIZE_BYTES } from '@longhaul/protocol';
import type { SourceHints } from '../../ports/byte-source.ts';
import type { Platform } from '../../ports/platform.ts';
import { createBlobSource } from '../../sources/blob-source.ts';
import { type ByteStream, isByteStream } from '../../sources/byte-stream.ts';
import { createBytesSource } from '../../sources/bytes-source.ts';
import { systemClock } from '../../system-clock.ts';
import { openPath, sourceOfHandle } from './file-source.ts';
import { createHttpSender } from './http-sender.ts';
import { createNodeDigester } from './node-digester.ts';
import { type NodeSource, withReadInto } from './node-source.ts';
import { openNodeStream } from './node-stream.ts';
import { createRateLimiter } from './rate-limiter.ts';

/**
 * What can be uploaded in Node: a path or `file:` URL, an open file, bytes, a `Blob`, a stream: a `Readable`, a
 * `ReadableStream` or anything else that yields bytes.
 */
export type NodeInput = string | URL | FileHandle | Uint8Array | ArrayBuffer | Blob | ByteStream;

/** Where packets get lost, each connection carries little, and twice as many carry twice as much. */
const MAX_CONCURRENCY = 16;

/** Node's own way of opening and sending. */
export function createNodePlatform(options: {
  readonly maxBytesPerSecond?: number | undefined;
}): Platform<NodeInput, NodeSource> {
  const { maxBytesPerSecond } = options;
  const limiter =
    maxBytesPerSecond === undefined ? undefined : createRateLimiter(maxBytesPerSecond, systemClock);
  return {
    defaultConcurrency: concurrencyFor(maxBytesPerSecond),
    // More can only help where nothing else holds the bytes back.
    maxConcurrency: maxBytesPerSecond === undefined ? MAX_CONCURRENCY : concurrencyFor(maxBytesPerSecond),
    clock: systemClock,
    openSource,
    createSender: ({ concurrency }) => createHttpSender({ concurrency, limiter }),
    digester: createNodeDigester(),
  };
}

/**
 * Eight fill a fast line. A line with a cap is filled by fewer, and then less is under way when the process dies: parts
 * that were half sent are sent again.
 */
function concurrencyFor(maxBytesPerSecond: number = Infinity): number {
  return Math.min(8, Math.ceil(maxBytesPerSecond / DEFAULT_PART_SIZE_BYTES) + 1);
}

async function openSource(input: NodeInput, hints: SourceHints): Promise<NodeSource> {
  if (typeof input === 'string') return await openPath(input);
  if (input instanceof URL && input.protocol === 'file:') return await openPath(input);
  if (input instanceof Uint8Array || input instanceof ArrayBuffer)
    return withReadInto(createBytesSource(input));
  if (input instanceof Blob) return withReadInto(createBlobSource(input));
  if (isFileHandle(input)) return await sourceOfHandle(input);
  if (isByteStream(input)) return await openNodeStream(input, hints);
  throw new TypeError(
    `The source must be a path, a file: URL, a FileHandle, bytes, a Blob or a stream, got ${Object.prototype.toString.call(input)}`,
  );
}

function isFileHandle(input: unknown): input is FileHandle {
  return typeof input === 'object' && input !== null && 'fd' in input && 'stat' in input && 'read' in input;
}
