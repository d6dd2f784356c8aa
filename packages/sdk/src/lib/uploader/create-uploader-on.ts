import { createLazyKyCall } from '../http/lazy-ky-call.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Platform } from '../ports/platform.ts';
import { createUploaderOf, type Uploader, type UploaderParts } from './create-uploader.ts';
import type { UploaderOptions } from './options.ts';

/** What only some platforms have. */
export type UploaderExtras = Omit<UploaderParts, 'createCall'>;

/**
 * An uploader on a platform of your own.
 *
 * @throws TypeError if `options.coordinator` is no absolute URL and no function, or `options.concurrency` no number
 */
export function createUploaderOn<Input, Source extends ByteSource>(
  platform: Platform<Input, Source>,
  options: UploaderOptions,
  extras: UploaderExtras = {},
): Uploader<Input> {
  return createUploaderOf(platform, options, { createCall: createLazyKyCall, ...extras });
}
