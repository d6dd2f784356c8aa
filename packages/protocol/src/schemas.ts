import * as v from 'valibot';
import {
  type BatchCompleteRequest,
  type ChecksumAlgorithm,
  type CompleteRequest,
  type CreateUploadRequest,
  MAX_BATCH_ITEMS,
  MAX_PARTS_PER_CALL,
  type OpenRequest,
  type PartsRequest,
  type TokenInBody,
} from './messages.ts';
import { customerKey, encryptionSchema, md5, objectOptionsSchema, visibleAscii } from './object-schemas.ts';
import { MAX_COPIED_PARTS_PER_CALL, type RotateRequest, type RotationCopyRequest } from './rotation.ts';

/** A schema that turns unknown input into a message of {@link Message}. */
export type MessageSchema<Message> = v.GenericSchema<unknown, Message>;

const MAX_NAME_CHARACTERS = 1024;

// A media type as RFC 9110 writes it, more lenient in unquoted values: recorders write `video/webm;codecs=vp9,opus`.
// Blanks are SP and HTAB only: `\s` would let CR and LF into a header.
const MEDIA_TYPE =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+([ \t]*;[ \t]*[\w!#$&^.+*'%`|~-]+=("[\x20\x21\x23-\x7e]*"|[\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]+))*$/;

/**
 * Each digest in base64: of so many bytes, and in its one spelling. Bits beside the last byte would make the same digest
 * another text, and texts are compared.
 */
const DIGESTS = {
  CRC32: /^[A-Za-z0-9+/]{5}[AQgw]==$/,
  CRC32C: /^[A-Za-z0-9+/]{5}[AQgw]==$/,
  CRC64NVME: /^[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048]=$/,
  MD5: /^[A-Za-z0-9+/]{21}[AQgw]==$/,
} as const;

const byteCount = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
// No upper bound here: a number above the upload's own plan has a problem code of its own.
const partNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

// Half a surrogate pair cannot be percent-encoded, and Postgres stores no NUL.
const storableText = v.pipe(
  v.string(),
  v.check((text) => text.isWellFormed() && !text.includes('\0'), 'must be Unicode text without NUL'),
);

const fileName = v.pipe(
  storableText,
  v.minLength(1),
  // The cheap bound first: a character takes one or two UTF-16 units.
  v.maxLength(2 * MAX_NAME_CHARACTERS),
  v.check(
    (name) => Array.from(name).length <= MAX_NAME_CHARACTERS,
    `must have at most ${MAX_NAME_CHARACTERS} characters`,
  ),
);

const checksumAlgorithm = v.picklist(['CRC32', 'CRC32C', 'CRC64NVME', 'MD5']);

function checksumIn(digests: Record<ChecksumAlgorithm, RegExp>, maxLength: number) {
  return v.pipe(
    v.strictObject({
      algorithm: checksumAlgorithm,
      value: v.pipe(v.string(), v.maxLength(maxLength)),
    }),
    v.check(
      ({ algorithm, value }) => digests[algorithm].test(value),
      'must be the base64 of a digest of that algorithm',
    ),
  );
}

const checksum = checksumIn(DIGESTS, 24);

/** The MD5s of several parts make one with their number behind it. */
const checksumOfWhole = checksumIn({ ...DIGESTS, MD5: /^[A-Za-z0-9+/]{21}[AQgw]==(-[1-9]\d{0,4})?$/ }, 30);

const metadata = v.pipe(
  // A record of valibot takes a list, and leaves these names out without a word: the client must hear of it.
  v.custom<Record<string, string>>(
    (input) =>
      !Array.isArray(input) && !['__proto__', 'constructor', 'prototype'].some((name) => hasOwn(input, name)),
    'must be an object without the names `__proto__`, `constructor` and `prototype`',
  ),
  v.record(
    v.pipe(
      v.string(),
      v.regex(
        /^[a-z0-9][a-z0-9-]{0,127}$/,
        'names must be 1 to 128 of a-z, 0-9 and `-`, and not begin with `-`',
      ),
    ),
    v.pipe(storableText, v.maxLength(2048)),
  ),
);

// `v.base64()` runs out of stack on a few megabytes: its groups cost a frame for every four characters.
const payload = v.pipe(
  v.string(),
  v.check(
    (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
    'must be base64 with padding',
  ),
);

const receipt = v.strictObject({
  partNumber,
  sizeBytes: byteCount,
  etag: v.exactOptional(v.pipe(v.string(), v.maxLength(256), visibleAscii)),
  checksum: v.exactOptional(checksum),
  durationMs: v.exactOptional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  attempts: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  // Labels of metrics and words of a log line: nothing that could end the line.
  errorCodes: v.exactOptional(
    v.pipe(v.array(v.pipe(v.string(), v.regex(/^[\x20-\x7e]{1,64}$/))), v.maxLength(32)),
  ),
});

const partToSign = v.strictObject({
  partNumber,
  sizeBytes: byteCount,
  checksum: v.exactOptional(checksum),
});

const receipts = v.pipe(v.array(receipt), v.maxLength(MAX_PARTS_PER_CALL));
const partsToSign = v.pipe(v.array(partToSign), v.maxLength(MAX_PARTS_PER_CALL));

/** Body of `POST /v1/uploads`. Unknown members are refused: a misspelt option must not be ignored in silence. */
export const createUploadRequestSchema: MessageSchema<CreateUploadRequest> = v.strictObject({
  // One spelling, or the same UUID in capitals would be another upload.
  createId: v.pipe(v.string(), v.uuid(), v.toLowerCase()),
  name: fileName,
  sizeBytes: v.nullable(byteCount),
  contentType: v.exactOptional(
    v.pipe(
      v.string(),
      v.maxLength(256),
      v.regex(MEDIA_TYPE, 'must be a media type, for example `text/plain`'),
      // Stores do not agree on what a signature makes of a tab: some refuse what others take.
      v.transform((contentType) => contentType.replaceAll(/[ \t]*\t[ \t]*/g, ' ')),
    ),
  ),
  connectorId: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/, 'must be 1 to 128 of A-Z, a-z, 0-9, `.`, `_` and `-`'),
    ),
  ),
  metadata: v.exactOptional(metadata),
  fingerprint: v.exactOptional(
    v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex')),
  ),
  partSizeBytes: v.exactOptional(v.pipe(byteCount, v.minValue(1))),
  checksum: v.exactOptional(checksum),
  checksums: v.exactOptional(v.pipe(v.array(checksumAlgorithm), v.maxLength(8))),
  encryption: v.exactOptional(encryptionSchema),
  objectOptions: v.exactOptional(objectOptionsSchema),
  mode: v.exactOptional(v.picklist(['single', 'multipart'])),
  payload: v.exactOptional(payload),
  resume: v.exactOptional(v.boolean()),
  takeover: v.exactOptional(v.boolean()),
  sign: v.exactOptional(partsToSign),
});

const s3UploadId = v.pipe(v.string(), v.maxLength(1024), visibleAscii);

/** Body of `POST /v1/uploads/:id/open`. */
export const openRequestSchema: MessageSchema<OpenRequest> = v.strictObject({ s3UploadId });

/** Body of `POST /v1/uploads/batch`: items are checked one by one, so that one bad item spoils no other. */
export const batchCreateRequestSchema: MessageSchema<{ uploads: readonly unknown[] }> = v.strictObject({
  uploads: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_BATCH_ITEMS)),
});

const parts = { report: v.exactOptional(receipts, []), sign: v.exactOptional(partsToSign, []) };

const completion = {
  report: v.exactOptional(receipts),
  sizeBytes: v.exactOptional(byteCount),
  checksum: v.exactOptional(checksumOfWhole),
};

const tokenInBody = {
  uploadId: v.pipe(v.string(), v.maxLength(64)),
  // An owner may have 256 characters, of up to six bytes each once encoded.
  token: v.pipe(v.string(), v.maxLength(4096)),
};

/** Body of `POST /v1/uploads/:id/parts`. A list that is left out is empty. */
export const partsRequestSchema: MessageSchema<PartsRequest> = v.strictObject(parts);

/** Body of `POST /v1/uploads/parts`. */
export const partsCallSchema: MessageSchema<PartsRequest & TokenInBody> = v.strictObject({
  ...parts,
  ...tokenInBody,
});

/** Body of `POST /v1/uploads/:id/complete`. */
export const completeRequestSchema: MessageSchema<CompleteRequest> = v.strictObject(completion);

const completeCall = v.strictObject({ ...completion, ...tokenInBody });

/** Body of `POST /v1/uploads/complete`. */
export const completeCallSchema: MessageSchema<CompleteRequest & TokenInBody> = completeCall;

/** Body of `POST /v1/uploads/batch/complete`. */
export const batchCompleteRequestSchema: MessageSchema<BatchCompleteRequest> = v.strictObject({
  uploads: v.pipe(v.array(completeCall), v.minLength(1), v.maxLength(MAX_BATCH_ITEMS)),
});

function hasOwn(input: unknown, name: string): boolean {
  return typeof input === 'object' && input !== null && Object.hasOwn(input, name);
}

const rotationId = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** Body of `POST /v1/objects/:nodeId/rotate`. */
export const rotateRequestSchema: MessageSchema<RotateRequest> = v.strictObject({
  rotationId,
  encryption: encryptionSchema,
  oldCustomerKey: v.exactOptional(customerKey),
  deleteVersions: v.exactOptional(v.boolean()),
  copyByClient: v.exactOptional(v.strictObject({ oldCustomerKeyMd5: md5 })),
  copied: v.exactOptional(v.strictObject({ checksum: v.exactOptional(checksumOfWhole) })),
});

const partToCopy = v.strictObject({ partNumber, contentMd5: md5 });

/** Body of `POST /v1/objects/:nodeId/rotation/copy`. */
export const rotationCopyRequestSchema: MessageSchema<RotationCopyRequest> = v.strictObject({
  rotationId,
  s3UploadId: v.exactOptional(s3UploadId),
  sign: v.exactOptional(v.pipe(v.array(partToCopy), v.maxLength(MAX_COPIED_PARTS_PER_CALL))),
});
