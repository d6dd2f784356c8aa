import { describe } from 'vitest';
import { describeBucketLifecycle } from '../../src/lib/testing/bucket-lifecycle.contract.ts';
import { describeObjectStore } from '../../src/lib/testing/object-store.contract.ts';
import { cephRadosgw16Profile } from '../../src/s3-object-store.ts';
import { openS3Bucket } from './s3-bucket.ts';

const {
  LONGHAUL_TEST_CEPH_URL: endpoint = '',
  LONGHAUL_TEST_CEPH_ACCESS_KEY_ID: accessKeyId = '',
  LONGHAUL_TEST_CEPH_SECRET_ACCESS_KEY: secretAccessKey = '',
  LONGHAUL_TEST_CEPH_KMS_KEY_ID: kmsKeyId,
} = process.env;

describe.skipIf(endpoint === '')(`Ceph radosgw${endpoint ? '' : ' (needs LONGHAUL_TEST_CEPH_URL)'}`, () => {
  const credentials = { accessKeyId, secretAccessKey };
  const server = { endpoint, credentials, profile: cephRadosgw16Profile, kmsKeyId };
  describeObjectStore(server.profile.name, (options) => openS3Bucket(server, options));
  describeBucketLifecycle(server.profile.name, () => openS3Bucket(server, { versioned: false }));
});
