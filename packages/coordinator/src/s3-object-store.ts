export type { S3Credentials, S3ObjectStoreOptions } from './lib/adapters/object-store/s3-client.ts';
export { createS3ObjectStore, type S3ObjectStore } from './lib/adapters/object-store/s3-object-store.ts';
export {
  awsProfile,
  cephRadosgw16Profile,
  genericProfile,
  guessProfile,
  localS3Profile,
  minioProfile,
  storeProfiles,
  versitygwProfile,
} from './lib/adapters/object-store/store-profiles.ts';
export type {
  AbortRule,
  BucketLifecycle,
  LifecycleFilter,
  LifecycleRule,
} from './lib/ports/bucket-lifecycle.ts';
