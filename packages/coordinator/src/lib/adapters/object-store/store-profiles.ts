import type { StoreProfile } from '../../ports/store-profile.ts';

/** Amazon S3. Rests on its documentation: no contract suite has been run against it yet. */
export const awsProfile: StoreProfile = {
  name: 'Amazon S3',
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
  versioning: true,
  lifecycle: true,
};

/** What a store that calls itself S3 may be trusted with before anybody has measured it: the core, nothing newer. */
export const genericProfile: StoreProfile = {
  name: 'S3-compatible store',
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
  versioning: false,
  lifecycle: false,
};

/** The local-s3 package of this repository. Measured by the contract suite. */
export const localS3Profile: StoreProfile = { ...awsProfile, name: 'local-s3', lifecycle: false };

/** versitygw 1.7 with its posix backend and a versioning directory. Measured by the contract suite. */
export const versitygwProfile: StoreProfile = {
  ...awsProfile,
  name: 'versitygw',
  refusesCutBodies: false,
  pagesOpenUploads: false,
  lifecycle: false,
};

/** Ceph radosgw 16 (Pacific). Measured by the contract suite. */
export const cephRadosgw16Profile: StoreProfile = {
  ...awsProfile,
  name: 'Ceph radosgw 16',
  completeIfNoneMatch: false,
  fullObjectChecksums: [],
  completeReturnsEtag: false,
  verifiesObjectSize: false,
  refusesPartOrder: false,
  refusesUnsignedHeaders: false,
  unknownUploadIs404: false,
};
