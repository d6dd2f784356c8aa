import * as v from 'valibot';
import {
  type BatchCompleteRequest,
  type CreateUploadRequest,
  MAX_BATCH_ITEMS,
  MAX_PARTS_PER_CALL,
  type PartsRequest,
} from './messages.ts';
import { MAX_PARTS } from './s3-limits.ts';

/** A schema that turns unknown input into a message of {@link Message}. */
export type MessageSchema<Message> = v.GenericSchema<unknown, Message>;

const byteCount = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const partNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PARTS));
const checksum = v.strictObject({
  algorithm: v.picklist(['CRC32', 'CRC32C', 'CRC64NVME', 'MD5']),
  value: v.pipe(v.string(), v.base64(), v.maxLength(128)),
});
const encryption = v.variant('mode', [
  v.strictObject({ mode: v.literal('sse-s3') }),
  v.strictObject({
    mode: v.literal('sse-kms'),
    kmsKeyId: v.pipe(v.string(), v.minLength(1), v.maxLength(2048)),
  }),
]);

/** Body of `POST /v1/uploads`. Unknown members are refused: a misspelt option must not be ignored in silence. */
export const createUploadRequestSchema: MessageSchema<CreateUploadRequest> = v.strictObject({
  createId: v.pipe(v.string(), v.uuid()),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(1024)),
  sizeBytes: byteCount,
  // A media type as RFC 9110 writes it, parameters included; no CR, LF or other control character can pass.
  contentType: v.exactOptional(
    v.pipe(
      v.string(),
      v.maxLength(256),
      v.regex(
        /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=("[\x20\x21\x23-\x7e]*"|[\w!#$&^.+:-]+))*$/,
      ),
    ),
  ),
  connectorId: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/))),
  metadata: v.exactOptional(
    v.record(v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,128}$/)), v.pipe(v.string(), v.maxLength(2048))),
  ),
  fingerprint: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  partSizeBytes: v.exactOptional(v.pipe(byteCount, v.minValue(1))),
  checksum: v.exactOptional(checksum),
  encryption: v.exactOptional(encryption),
  mode: v.exactOptional(v.picklist(['single', 'multipart'])),
  payload: v.exactOptional(v.pipe(v.string(), v.base64())),
  resume: v.exactOptional(v.boolean()),
});

/** Body of `POST /v1/uploads/batch`: items are checked one by one, so that one bad item spoils no other. */
export const batchCreateRequestSchema: MessageSchema<{ uploads: readonly unknown[] }> = v.strictObject({
  uploads: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(MAX_BATCH_ITEMS)),
});

/** Body of `POST /v1/uploads/:id/parts`. */
export const partsRequestSchema: MessageSchema<PartsRequest> = v.strictObject({
  report: v.pipe(
    v.array(
      v.strictObject({
        partNumber,
        sizeBytes: byteCount,
        etag: v.exactOptional(
          v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.regex(/^[\x21-\x7e]+$/)),
        ),
        durationMs: v.exactOptional(v.pipe(v.number(), v.minValue(0))),
        attempts: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
        errorCodes: v.exactOptional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(32))),
      }),
    ),
    v.maxLength(MAX_PARTS_PER_CALL),
  ),
  sign: v.pipe(
    v.array(v.strictObject({ partNumber, sizeBytes: byteCount })),
    v.maxLength(MAX_PARTS_PER_CALL),
  ),
});

/** Body of `POST /v1/uploads/batch/complete`. */
export const batchCompleteRequestSchema: MessageSchema<BatchCompleteRequest> = v.strictObject({
  uploads: v.pipe(
    v.array(
      v.strictObject({
        uploadId: v.pipe(v.string(), v.maxLength(64)),
        token: v.pipe(v.string(), v.maxLength(1024)),
      }),
    ),
    v.minLength(1),
    v.maxLength(MAX_BATCH_ITEMS),
  ),
});
