import { MAX_PART_SIZE_BYTES, MIN_PART_SIZE_BYTES } from '@longhaul/protocol';
import type { UploaderOptions } from './options.ts';

/**
 * Finds mistakes in options before anything is sent. Apart from the engine, which a browser has to carry.
 *
 * @throws TypeError if `coordinator` is no absolute http(s) URL and no function, or a header none that HTTP takes
 * @throws RangeError if a number is out of its range
 */
export function assertOptions({ coordinator, retry, ...options }: UploaderOptions): void {
  if (typeof coordinator !== 'function' && !/^https?:\/\/./.test(String(coordinator))) {
    throw new TypeError(`coordinator must be an http(s) URL or a fetch function, got ${String(coordinator)}`);
  }
  assertHeaders(options.headers);
  assertWhole('concurrency', options.concurrency, 1);
  assertWhole('partSizeBytes', options.partSizeBytes, MIN_PART_SIZE_BYTES, MAX_PART_SIZE_BYTES);
  assertWhole('stallTimeoutMs', options.stallTimeoutMs, 1);
  assertWhole('inlineMaxBytes', options.inlineMaxBytes, 0);
  assertWhole('retry.maxAttempts', retry?.maxAttempts, 1);
}

function assertWhole(name: string, value: number | undefined, min: number, max = Infinity): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, got ${value}`);
}

const HEADER_NAME = /^[\w!#$%&'*+\-.^`|~]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** A runtime names the value that it refuses, and every attempt would: it is often a secret, so it is looked at here. */
function assertHeaders(headers: UploaderOptions['headers'] = {}): void {
  if (typeof headers === 'function') return;
  for (const [name, value] of Object.entries(headers)) {
    // Not by trying `Headers`: in Node that would load all of `fetch`.
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value.trim()))
      throw new TypeError(`headers: ${JSON.stringify(name)} has a name or a value that HTTP does not take`);
  }
}
