/**
 * The uploader for runtimes that have `fetch` and `Blob` and no more: Workers, and whatever has no entry of its own.
 *
 * @module
 */
import { createKyCall } from './lib/http/ky-call.ts';
import { type WebInput, webPlatform } from './lib/platform/web/web-platform.ts';
import { assertOptions } from './lib/uploader/assert-options.ts';
import { type CreateUploader, createUploaderOf, type Uploader } from './lib/uploader/create-uploader.ts';
import type { UploaderOptions } from './lib/uploader/options.ts';

export * from './core.ts';
export type { WebInput } from './lib/platform/web/web-platform.ts';

/**
 * An uploader that sends `Blob`s and bytes by `fetch`. Progress moves by whole parts: `fetch` tells no more.
 *
 * @throws TypeError if `options.coordinator` is no absolute URL and no function
 * @throws RangeError if a number is out of its range
 * @example
 * const uploader = createUploader({ coordinator: 'https://uploads.example.com' });
 * const { key } = await uploader.upload(await request.blob(), { name: 'report.pdf' }).result;
 */
export function createUploader(options: UploaderOptions): Uploader<WebInput> {
  assertOptions(options);
  return createUploaderOf(webPlatform, options, { createCall: createKyCall });
}
createUploader satisfies CreateUploader<WebInput>;
