import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  type Checksum,
  type CreateUploadRequest,
  type Encryption,
  type OpenPlan,
  type PartPlan,
  planOpen,
  planParts,
  type UploadMode,
} from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { StoreProfile } from '../ports/store-profile.ts';
import type { UploadDraft } from '../ports/upload-record.ts';
import { assertContentType } from './content-type.ts';
import type { UploadContext, UploadSettings } from './context.ts';
import { decideEncryption } from './encryption-policy.ts';
import { objectMetadata } from './object-metadata.ts';
import { assertObjectOptions } from './object-options-policy.ts';
import { chooseChecksum } from './upload-checksum.ts';

/** Connector of an upload that names none. */
const DEFAULT_CONNECTOR_ID = 'default';

/**
 * What an upload will be, decided before anything is written: mode, plan, key, write token.
 *
 * @param keyTemplate with `{connectorId}` and `{nodeId}`
 * @throws CoordinatorError `content-type-refused`, `size-too-large`, `request-too-large`, `payload-mismatch` or `invalid-metadata`
 */
export function draftUpload(
  context: UploadContext,
  owner: string,
  request: CreateUploadRequest,
  keyTemplate: string,
): UploadDraft {
  const { settings, objectStore, clock } = context;
  const contentType = request.contentType ?? 'application/octet-stream';
  assertContentType(contentType, settings.allowedContentTypes);
  assertSize(request, settings);
  assertObjectOptions(settings.objectOptions, objectStore.profile, request.objectOptions);
  const encryption = decideEncryption(
    settings.encryption,
    objectStore,
    request.encryption,
    context.keyVault !== undefined,
  );
  const mode = chooseMode(context, request);
  if (mode === 'inline') assertInlineKey(encryption);
  const uploadId = clock.randomUuid();
  const connectorId = request.connectorId ?? DEFAULT_CONNECTOR_ID;
  const checksumAlgorithm =
    mode === 'inline' ? undefined : chooseChecksum(profileFor(objectStore, encryption), request.checksums);
  const draft: UploadDraft = {
    uploadId,
    owner,
    createId: request.createId,
    requestDigest: digestOf(request),
    connectorId,
    name: request.name,
    bucket: objectStore.bucket,
    s3Key: keyTemplate.replaceAll('{connectorId}', connectorId).replaceAll('{nodeId}', uploadId),
    writeToken: randomBytes(16).toString('hex'),
    mode,
    contentType,
    metadata: request.metadata ?? {},
    plan: planFor(context, mode, request),
    ...(request.checksum && { checksum: request.checksum }),
    ...(checksumAlgorithm && { checksumAlgorithm }),
    ...(encryption && { encryption }),
    ...(request.objectOptions && { objectOptions: request.objectOptions }),
    ...(request.fingerprint !== undefined && { fingerprint: request.fingerprint }),
    resumable: isResumable(request) && mode !== 'inline',
    idleLimitMs: settings.idleLimitMs,
    pendingLimitMs: settings.pendingLimitMs,
  };
  objectMetadata(draft);
  return draft;
}

/** What is put by the coordinator itself takes the key, and content that passes here needs no key to be read here. */
function assertInlineKey(encryption: Encryption | undefined): void {
  if (encryption?.mode !== 'sse-c') return;
  throw new CoordinatorError(
    'bad-request',
    'Content inside the create call cannot be encrypted with sse-c. Leave payload out, and send it to the URL of the answer.',
  );
}

/**
 * S3 wants the key to complete and to list what was begun with a checksum of its own; a Content-MD5 with each part asks for
 * nothing.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
function profileFor({ profile }: ObjectStore, encryption: Encryption | undefined): StoreProfile {
  return encryption?.mode === 'sse-c' ? { ...profile, fullObjectChecksums: [] } : profile;
}

function assertSize({ sizeBytes }: CreateUploadRequest, { maxSizeBytes }: UploadSettings): void {
  if (sizeBytes === null || sizeBytes <= maxSizeBytes) return;
  throw new CoordinatorError(
    'size-too-large',
    `${sizeBytes} bytes are more than the ${maxSizeBytes} that this coordinator takes in one upload.`,
  );
}

/** Content whose size is unknown is not known by anything else either. */
function isResumable({ resume, fingerprint, sizeBytes }: CreateUploadRequest): boolean {
  return resume !== false && fingerprint !== undefined && sizeBytes !== null;
}

/** The whole content of an inline upload. */
export function payloadOf(request: CreateUploadRequest): Uint8Array | undefined {
  return request.payload === undefined ? undefined : Buffer.from(request.payload, 'base64');
}

function chooseMode({ settings, objectStore }: UploadContext, request: CreateUploadRequest): UploadMode {
  const payload = payloadOf(request);
  if (payload) {
    assertPayload(payload.byteLength, request.sizeBytes, settings);
    assertDigest(payload, request.checksum);
    return 'inline';
  }
  // Without a precondition a replayed URL could replace the object after it was announced as complete.
  const { putIfNoneMatch } = objectStore.profile;
  const fits = request.sizeBytes !== null && request.sizeBytes <= settings.singlePutThresholdBytes;
  return fits && putIfNoneMatch && request.mode !== 'multipart' ? 'single' : 'multipart';
}

function assertPayload(payloadBytes: number, sizeBytes: number | null, settings: UploadSettings): void {
  if (payloadBytes !== sizeBytes) {
    throw new CoordinatorError(
      'payload-mismatch',
      `The payload holds ${payloadBytes} bytes, but sizeBytes says ${sizeBytes}. Send the whole content.`,
    );
  }
  if (payloadBytes > settings.inlineMaxBytes) {
    throw new CoordinatorError(
      'request-too-large',
      `A payload of ${payloadBytes} bytes is more than the ${settings.inlineMaxBytes} that may travel inside the call. ` +
        'Create the upload without it and send the bytes to the URLs of the answer.',
    );
  }
}

/** MD5 and CRC32 are what Node can compute. */
function assertDigest(payload: Uint8Array, checksum: Checksum | undefined): void {
  const value = checksum && digestIn(checksum.algorithm, payload);
  if (value === undefined || value === checksum?.value) return;
  throw new CoordinatorError(
    'payload-mismatch',
    `The payload has another ${checksum?.algorithm} than checksum says. Send it again.`,
  );
}

function digestIn(algorithm: Checksum['algorithm'], payload: Uint8Array): string | undefined {
  if (algorithm === 'MD5') return createHash('md5').update(payload).digest('base64');
  if (algorithm !== 'CRC32') return undefined;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(payload));
  return bytes.toString('base64');
}

function planFor(
  { settings, objectStore }: UploadContext,
  mode: UploadMode,
  { sizeBytes, partSizeBytes }: CreateUploadRequest,
): PartPlan | OpenPlan {
  const { limits, maxSizeBytes } = settings;
  const { equalParts } = objectStore.profile;
  const within = {
    minPartSizeBytes: limits.min_chunk_size,
    maxPartSizeBytes: limits.max_chunk_size,
    maxParts: limits.max_chunks,
  };
  if (sizeBytes === null) return planOpen(partSizeBytes, within, { equalParts, maxSizeBytes });
  return mode === 'multipart' ? planParts(sizeBytes, partSizeBytes, within) : planParts(sizeBytes, sizeBytes);
}

/** What must be equal for a repeated createId to mean the same upload. The wish for a part size is none of it. */
function digestOf(request: CreateUploadRequest): string {
  const metadata = Object.entries(request.metadata ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const asked = [
    request.name,
    request.sizeBytes,
    request.contentType,
    request.connectorId,
    metadata,
    withoutKey(request.encryption),
    request.fingerprint,
    request.payload,
    ...(request.checksum ? [request.checksum] : []),
    ...(request.objectOptions ? [request.objectOptions] : []),
  ];
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex');
}

/** The same key is the same upload, whether it was sent along or not. */
function withoutKey(wish: CreateUploadRequest['encryption']): CreateUploadRequest['encryption'] {
  return wish?.mode === 'sse-c' ? { mode: wish.mode, customerKeyMd5: wish.customerKeyMd5 } : wish;
}
