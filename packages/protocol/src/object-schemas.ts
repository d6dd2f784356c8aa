/**
 * Schemas of what is said of an object when it is begun.
 *
 * @module
 */
import * as v from 'valibot';
import type { EncryptionWish } from './encryption.ts';
import type { ObjectOptions } from './object-options.ts';

/** What a header, or an id of the store, may hold without any encoding. */
export const visibleAscii: v.RegexAction<string, string> = v.regex(
  /^[\x21-\x7e]+$/,
  'must be visible ASCII characters without blanks',
);

/** 32 bytes, and 16, in base64, each in its one spelling: texts are compared. */
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const MD5 = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** A key of a customer's. */
export const customerKey: v.GenericSchema<string, string> = v.pipe(
  v.string(),
  v.maxLength(44),
  v.regex(KEY, 'must be 32 bytes in base64'),
);

/** The MD5 of a key, or of content. */
export const md5: v.GenericSchema<string, string> = v.pipe(
  v.string(),
  v.maxLength(24),
  v.regex(MD5, 'must be an MD5 in base64'),
);

/** `encryption` of a create. */
export const encryptionSchema: v.GenericSchema<unknown, EncryptionWish> = v.variant('mode', [
  v.strictObject({ mode: v.literal('sse-s3') }),
  v.strictObject({
    mode: v.literal('sse-kms'),
    kmsKeyId: v.exactOptional(v.pipe(v.string(), v.maxLength(2048), visibleAscii)),
  }),
  v.strictObject({
    mode: v.literal('sse-c'),
    customerKeyMd5: md5,
    customerKey: v.exactOptional(customerKey),
  }),
]);

/** Bounds of S3 for what it keeps with an object. */
const MAX_TAGS = 10;
const MAX_TAG_NAME = 128;
const MAX_TAG_VALUE = 256;
const MAX_HEADER_CHARACTERS = 1024;
// As S3 has it: letters, digits and blanks of any script, and + - = . _ : / @
const TAG_CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+@-]*$/u;

const headerValue = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_HEADER_CHARACTERS),
  v.regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'must be printable US-ASCII without blanks around it'),
);

const tagText = (maxLength: number): v.GenericSchema<string, string> =>
  v.pipe(
    v.string(),
    v.maxLength(maxLength),
    v.regex(TAG_CHARACTERS, 'must hold letters, digits, blanks and + - = . _ : / @ only'),
  );

const tags = v.pipe(
  v.custom<Record<string, string>>(
    (input) =>
      typeof input === 'object' &&
      input !== null &&
      !Array.isArray(input) &&
      Object.keys(input).length <= MAX_TAGS &&
      !['__proto__', 'constructor', 'prototype'].some((name) => Object.hasOwn(input, name)),
    `must be an object of at most ${MAX_TAGS} tags`,
  ),
  v.record(v.pipe(tagText(MAX_TAG_NAME), v.minLength(1)), tagText(MAX_TAG_VALUE)),
);

const objectLock = v.pipe(
  v.strictObject({
    mode: v.exactOptional(v.picklist(['GOVERNANCE', 'COMPLIANCE'])),
    retainUntil: v.exactOptional(
      v.pipe(
        v.string(),
        v.regex(
          /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/,
          'must be a time as RFC 3339 has it, in UTC',
        ),
        v.check((text) => !Number.isNaN(Date.parse(text)), 'must be a time that there is'),
      ),
    ),
    legalHold: v.exactOptional(v.boolean()),
  }),
  v.check(
    ({ mode, retainUntil, legalHold }) =>
      (mode === undefined) === (retainUntil === undefined) && (mode ?? legalHold) !== undefined,
    'must hold `mode` with `retainUntil`, or `legalHold`, or all of them',
  ),
);

/** `objectOptions` of a create. */
export const objectOptionsSchema: v.GenericSchema<unknown, ObjectOptions> = v.strictObject({
  storageClass: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Z][A-Z0-9_]{0,63}$/))),
  tags: v.exactOptional(tags),
  cacheControl: v.exactOptional(headerValue),
  contentDisposition: v.exactOptional(headerValue),
  contentEncoding: v.exactOptional(headerValue),
  objectLock: v.exactOptional(objectLock),
});
