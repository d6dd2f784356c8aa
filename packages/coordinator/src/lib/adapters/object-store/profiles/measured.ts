import type { StoreProfile } from '../../../ports/store-profile.ts';
import { awsProfile } from './documented.ts';

/** The local-s3 package of this repository. */
export const localS3Profile: StoreProfile = {
  ...awsProfile,
  name: 'local-s3',
  proven: 'contract-suite',
  source: 'the package of this repository',
  lifecycle: false,
  ssecCopy: true,
  objectOptions: ['cacheControl', 'contentDisposition', 'contentEncoding'],
};

/** versitygw 1.7 with its posix backend and a versioning directory. */
export const versitygwProfile: StoreProfile = {
  ...awsProfile,
  name: 'versitygw',
  proven: 'contract-suite',
  source: 'versitygw 1.7.0, posix backend',
  refusesCutBodies: false,
  pagesOpenUploads: false,
  lifecycle: false,
  encryption: [],
  ssecBlind: false,
  ssecCopy: false,
  objectOptions: ['tags', 'cacheControl', 'contentDisposition', 'contentEncoding'],
};

/** Ceph radosgw 16 (Pacific). It takes AES256 and does not show that it encrypts, so SSE-S3 is not claimed. */
export const cephRadosgw16Profile: StoreProfile = {
  ...awsProfile,
  name: 'Ceph radosgw 16',
  proven: 'contract-suite',
  source: 'Ceph radosgw 16.2.15',
  completeIfNoneMatch: false,
  fullObjectChecksums: [],
  completeReturnsEtag: false,
  verifiesObjectSize: false,
  refusesPartOrder: false,
  refusesUnsignedHeaders: false,
  unknownUploadIs404: false,
  // SSE-KMS where it has been given a key service; without one it answers 400.
  encryption: ['sse-kms', 'sse-c'],
  ssecBlind: true,
  // 400 to UploadPartCopy from an object with SSE-C.
  ssecCopy: false,
  copyIgnores: ['if-match'],
  objectOptions: ['cacheControl', 'contentDisposition', 'contentEncoding'],
};

/** MinIO, over TLS: without it, it refuses keys of callers. Its last release was in October 2025. */
export const minioProfile: StoreProfile = {
  ...awsProfile,
  name: 'MinIO',
  proven: 'contract-suite',
  source: 'MinIO of 2026-02-12, the last of its sources',
  completeIdempotent: false,
  verifiesObjectSize: false,
  listsOpenUploadsByPrefix: false,
  // Its rules know nothing of unfinished uploads: it ends them by itself.
  lifecycle: false,
  encryption: ['sse-s3', 'sse-kms', 'sse-c'],
  ssecBlind: true,
  ssecCopy: true,
  copyIgnores: ['checksum'],
  abortAfterDays: 1,
  http2: true,
};
