/**
 * Uploads from Node: files by path, open files, bytes, Blobs.
 *
 * @module
 */
import { createLazyKyCall } from './lib/http/lazy-ky-call.ts';
import { createHttpCall } from './lib/platform/node/http-call.ts';
import { createNodePlatform, type NodeInput } from './lib/platform/node/node-platform.ts';
import { assertOptions } from './lib/uploader/assert-options.ts';
import { type CreateUploader, createUploaderOf, type Uploader } from './lib/uploader/create-uploader.ts';
import type { CallOnce, CoordinatorFetch } from './lib/ports/coordinator.ts';
import type { UploaderOptions } from './lib/uploader/options.ts';

export * from './core.ts';
export { createFileResumeStore } from './lib/platform/node/file-resume-store.ts';
export type { NodeInput } from './lib/platform/node/node-platform.ts';

/** {@link UploaderOptions}, and what Node can do besides. */
export interface NodeUploaderOptions extends UploaderOptions {
  /** Most bytes per second over all parts together. Default no limit. */
  readonly maxBytesPerSecond?: number;
}

/**
 * An uploader that reads files without holding them in memory: two buffers of 512 KiB for each connection.
 *
 * @throws TypeError if `options.coordinator` is no absolute URL and no function
 * @throws RangeError if a number is out of its range
 * @example
 * const uploader = createUploader({ coordinator: 'http://127.0.0.1:8787' });
 * const { key, etag } = await uploader.upload('./video.mp4').result;
 */
export function createUploader(options: NodeUploaderOptions): Uploader<NodeInput> {
  const { maxBytesPerSecond } = options;
  assertOptions(options);
  if (maxBytesPerSecond !== undefined && !(maxBytesPerSecond > 0)) {
    throw new RangeError(`maxBytesPerSecond must be above 0, got ${maxBytesPerSecond}`);
  }
  return createUploaderOf(createNodePlatform({ maxBytesPerSecond }), options, { createCall });
}

createUploader satisfies CreateUploader<NodeInput>;

/** Not by `fetch`, unless there is need: in Node it takes some 25 MiB. */
function createCall(local?: CoordinatorFetch): CallOnce {
  const byFetch = createLazyKyCall(local);
  return local ? byFetch : createHttpCall(byFetch);
}
