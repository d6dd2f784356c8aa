import {
  type CompleteOutcome,
  type NewObject,
  type ObjectStore,
  ObjectStoreError,
  type PutOutcome,
  type StoreProfile,
} from '@longhaul/coordinator';
import { presign, urlOf } from './presigned.ts';
import { S3Refusal } from './s3-refusal.ts';
import { assertOpens, sealHeaders } from './seal.ts';
import type { CompleteRequest, SimulatedS3, Work, Written } from './simulated-s3.ts';

/** Name of the simulated bucket. */
const BUCKET = 'simulated';

type CompleteInput = Parameters<ObjectStore['completeMultipartUpload']>[0];

/** The port over a simulated store, with no time between question and answer. */
export function createSimulatedObjectStore(
  s3: SimulatedS3,
  nowEpochMs: () => number,
  /** What the adapter believes of the store: it sends no condition that the profile lacks. */
  profile: StoreProfile = s3.traits,
): ObjectStore {
  return {
    bucket: BUCKET,
    profile,
    async createMultipartUpload(object) {
      return { s3UploadId: orRefused(() => s3.createUpload(object)) };
    },
    // Only of uploads under a key that the coordinator does not know, and this store takes none from whoever did not sign.
    async signCreate() {
      throw new ObjectStoreError('refused', 'the simulated store takes no key that was not signed', {
        s3Code: 'NotImplemented',
      });
    },
    async signPart({ key, s3UploadId, partNumber, sizeBytes, checksum, expiresInSeconds, ...object }) {
      const { told, secret } = sealHeaders(object);
      const headers = { ...told, ...checksumHeaders(checksum) };
      const permission = { key, part: { s3UploadId, partNumber }, sizeBytes, headers, secretHeaders: secret };
      return presign(permission, nowEpochMs(), expiresInSeconds);
    },
    async signPut({ sizeBytes, checksum, expiresInSeconds, ...object }) {
      const headers = {
        ...headersOf(object),
        ...checksumHeaders(checksum),
        ...(profile.putIfNoneMatch && { 'if-none-match': '*' }),
      };
      const secretHeaders = sealHeaders(object).secret;
      return presign({ key: object.key, sizeBytes, headers, secretHeaders }, nowEpochMs(), expiresInSeconds);
    },
    async signGet({ key, versionId, etag, expiresInSeconds, ...object }) {
      const { told } = sealHeaders(object);
      const headers = { ...told, ...(etag !== undefined && { 'if-match': etag }) };
      const permission = { key, headers, sizeBytes: 0, method: 'GET' } as const;
      const versioned = { ...permission, ...(versionId !== undefined && { versionId }) };
      const { partNumber: _, ...call } = presign(versioned, nowEpochMs(), expiresInSeconds);
      return { method: 'GET', ...call };
    },
    async copyPart(request) {
      orRefused(() => s3.beginPartCopy(request).finish());
    },
    listParts: async (ref) => s3.listParts(ref),
    async completeMultipartUpload(input) {
      return completeOutcome(profile, () => s3.beginComplete(toRequest(profile, input)));
    },
    async abortMultipartUpload(ref) {
      abortAtStore(s3, ref);
    },
    async putObject({ body, ...object }) {
      return putOutcome(() => s3.putObject(object, [{ kind: 'bytes', bytes: body }], profile.putIfNoneMatch));
    },
    async findListed({ key, versionId }) {
      const object = s3.head(key, versionId);
      if (!object) return undefined;
      const { etag, sizeBytes, lastModifiedEpochMs } = object;
      return {
        etag,
        sizeBytes,
        ...(object.versionId !== undefined && { versionId: object.versionId }),
        ...(lastModifiedEpochMs !== undefined && { lastModifiedEpochMs }),
      };
    },
    async headObject({ key, versionId, customerKey }) {
      orRefused(() => assertOpens(s3.sealOf(key, versionId), customerKey));
      return s3.head(key, versionId);
    },
    deleteObject: async ({ key, versionId }) => s3.delete(key, versionId),
    deleteVersions: async ({ key }) => s3.deleteAll(key),
    listMultipartUploads: async ({ prefix }) => s3.listUploads(prefix),
    listMultipartUploadsPage: async ({ prefix }) => ({ uploads: s3.listUploads(prefix) }),
    locationOf: urlOf,
    ping: async () => undefined,
  };
}

/** The Complete that an adapter with this profile sends. */
export function toRequest(
  profile: StoreProfile,
  { key, s3UploadId, parts, sizeBytes }: CompleteInput,
): CompleteRequest {
  return { key, s3UploadId, parts, sizeBytes, ifNoneMatch: profile.completeIfNoneMatch };
}

/** 4xx by which a store does not say that there is no object, as the S3 adapter reads them. */
const TELLS_NOTHING = new Set([404, 408, 409, 412, 429]);

/** What the S3 adapter makes of the store's answer to Complete. */
export function completeOutcome(profile: StoreProfile, begin: () => Work<Written>): CompleteOutcome {
  try {
    const work = begin();
    const written = work.finish();
    const tells = profile.completeReturnsEtag || work.isRepetition;
    return tells
      ? { kind: 'stored', ...written }
      : { kind: 'unknown', reason: 'the answer has no ETag of an object' };
  } catch (error) {
    if (!(error instanceof S3Refusal)) throw error;
    const { status, s3Code, message } = error;
    const isDefinite = status < 500 && !TELLS_NOTHING.has(status);
    return isDefinite ? { kind: 'refused', s3Code, message } : { kind: 'unknown', reason: message };
  }
}

/** What the S3 adapter makes of the store's answer to PutObject. */
function putOutcome(put: () => Written): PutOutcome {
  try {
    return { kind: 'stored', ...put() };
  } catch (error) {
    if (error instanceof S3Refusal && error.status === 412) return { kind: 'exists' };
    throw refusalOf(error);
  }
}

function orRefused<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): unknown {
  return error instanceof S3Refusal ? new ObjectStoreError('refused', error.message, error) : error;
}

/** An upload that is gone is a success. */
function abortAtStore(s3: SimulatedS3, ref: Parameters<ObjectStore['abortMultipartUpload']>[0]): void {
  try {
    s3.abort(ref);
  } catch (error) {
    if (!(error instanceof S3Refusal)) throw error;
  }
}

function headersOf({ contentType, metadata, ...object }: NewObject): Record<string, string> {
  const meta = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  return {
    'content-type': contentType,
    ...sealHeaders(object).told,
    ...(Object.fromEntries(meta) as Record<string, string>),
  };
}

function checksumHeaders(checksum: { algorithm: string; value: string } | undefined): Record<string, string> {
  if (!checksum) return {};
  const { algorithm, value } = checksum;
  return algorithm === 'MD5'
    ? { 'content-md5': value }
    : { [`x-amz-checksum-${algorithm.toLowerCase()}`]: value };
}
