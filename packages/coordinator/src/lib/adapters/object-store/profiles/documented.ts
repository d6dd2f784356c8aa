import { OBJECT_OPTION_NAMES } from '@longhaul/protocol';
import type { StoreProfile } from '../../../ports/store-profile.ts';

const TIB = 1024 ** 4;

/** Amazon S3. Rests on its documentation: no contract suite has been run against it yet. */
export const awsProfile: StoreProfile = {
  name: 'Amazon S3',
  proven: 'documents',
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html',
  putIfNoneMatch: true,
  completeIfNoneMatch: true,
  fullObjectChecksums: ['CRC32', 'CRC32C', 'CRC64NVME'],
  contentMd5: true,
  completeIdempotent: true,
  completeReturnsEtag: true,
  verifiesObjectSize: true,
  refusesPartOrder: true,
  equalParts: false,
  refusesUnsignedHeaders: true,
  refusesCutBodies: true,
  unknownUploadIs404: true,
  pagesOpenUploads: true,
  listsOpenUploadsByPrefix: true,
  versioning: true,
  lifecycle: true,
  encryption: ['sse-s3', 'sse-kms', 'sse-c'],
  // "You must provide the algorithm" in the signature, the client sends the other headers; nobody has measured it for us.
  ssecBlind: true,
  ssecCopy: true,
  presignedCreateMetadata: true,
  objectOptions: OBJECT_OPTION_NAMES,
  stableEtags: true,
};

/** What a store that calls itself S3 may be trusted with before anybody has measured it: the core, nothing newer. */
export const genericProfile: StoreProfile = {
  name: 'S3-compatible store',
  proven: 'documents',
  source: 'the core of S3 that every store below has in common',
  putIfNoneMatch: false,
  completeIfNoneMatch: false,
  fullObjectChecksums: [],
  contentMd5: true,
  completeIdempotent: false,
  completeReturnsEtag: true,
  verifiesObjectSize: false,
  refusesPartOrder: true,
  equalParts: true,
  refusesUnsignedHeaders: false,
  refusesCutBodies: false,
  unknownUploadIs404: true,
  pagesOpenUploads: true,
  listsOpenUploadsByPrefix: true,
  versioning: false,
  lifecycle: false,
  encryption: [],
  ssecBlind: false,
  ssecCopy: false,
  presignedCreateMetadata: false,
  objectOptions: ['cacheControl', 'contentDisposition', 'contentEncoding'],
  stableEtags: false,
};

/** Cloudflare R2: equal parts, CRC64NVME for the whole, conditions on Put and Complete; ends uploads after 7 days. */
export const r2Profile: StoreProfile = {
  ...genericProfile,
  name: 'Cloudflare R2',
  source: 'https://developers.cloudflare.com/r2/api/s3/api/',
  putIfNoneMatch: true,
  completeIfNoneMatch: true,
  fullObjectChecksums: ['CRC64NVME'],
  lifecycle: true,
  encryption: ['sse-c'],
  abortAfterDays: 7,
  maxObjectSizeBytes: 5 * TIB,
};

/** Backblaze B2: refuses every `x-amz-checksum-*` header; parts of one size for Live Read. */
export const b2Profile: StoreProfile = {
  ...genericProfile,
  name: 'Backblaze B2',
  source: 'https://www.backblaze.com/docs/cloud-storage-s3-compatible-api',
  versioning: true,
  encryption: ['sse-s3', 'sse-c'],
};

/** Google Cloud Storage by its XML API: no conditions on multipart uploads, checksums of its own kind. */
export const gcsProfile: StoreProfile = {
  ...genericProfile,
  name: 'Google Cloud Storage (XML API)',
  source: 'https://cloud.google.com/storage/docs/multipart-uploads',
  equalParts: false,
  maxObjectSizeBytes: 5 * TIB,
  http2: true,
};

/** SeaweedFS. Use 2026-09-18 or later: older ones destroy an object whose upload is aborted after it was completed. */
export const seaweedfsProfile: StoreProfile = {
  ...genericProfile,
  name: 'SeaweedFS',
  source: 'https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API',
  equalParts: false,
  versioning: true,
};

/** Garage: SSE-C, no versions. */
export const garageProfile: StoreProfile = {
  ...genericProfile,
  name: 'Garage',
  source: 'https://garagehq.deuxfleurs.fr/documentation/reference-manual/s3-compatibility/',
  equalParts: false,
  lifecycle: true,
  encryption: ['sse-c'],
};

/** RustFS: checksums as headers only. */
export const rustfsProfile: StoreProfile = {
  ...genericProfile,
  name: 'RustFS',
  source: 'https://docs.rustfs.com/features/s3-compatibility/',
  equalParts: false,
  versioning: true,
};

/** Wasabi, which says that it answers as S3 does; nothing is known of its newer checksums and conditions. */
export const wasabiProfile: StoreProfile = {
  ...genericProfile,
  name: 'Wasabi',
  source: 'https://docs.wasabi.com/apidocs/wasabi-api',
  equalParts: false,
  versioning: true,
  encryption: ['sse-s3', 'sse-c'],
};

/** DigitalOcean Spaces: few requests per second, and HTTP/2. */
export const digitalOceanSpacesProfile: StoreProfile = {
  ...genericProfile,
  name: 'DigitalOcean Spaces',
  source: 'https://docs.digitalocean.com/products/spaces/details/limits/',
  unknownUploadIs404: false,
  versioning: true,
  lifecycle: true,
  encryption: ['sse-c'],
  maxObjectSizeBytes: 5 * TIB,
  requestsPerSecond: 150,
  http2: true,
};
