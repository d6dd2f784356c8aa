import { describe } from 'vitest';
import { describeBucketLifecycle } from '../../src/lib/testing/bucket-lifecycle.contract.ts';
import { describeObjectStore } from '../../src/lib/testing/object-store.contract.ts';
import { versitygwProfile } from '../../src/s3-object-store.ts';
import { openS3Bucket } from './s3-bucket.ts';

const {
  LONGHAUL_TEST_VERSITYGW_URL: endpoint = '',
  LONGHAUL_TEST_VERSITYGW_ACCESS_KEY_ID: accessKeyId = '',
  LONGHAUL_TEST_VERSITYGW_SECRET_ACCESS_KEY: secretAccessKey = '',
} = process.env;

describe.skipIf(endpoint === '')(`versitygw${endpoint ? '' : ' (needs LONGHAUL_TEST_VERSITYGW_URL)'}`, () => {
  const server = { endpoint, credentials: { accessKeyId, secretAccessKey }, profile: versitygwProfile };
  describeObjectStore(server.profile.name, (options) => openS3Bucket(server, options));
  describeBucketLifecycle(server.profile.name, () => openS3Bucket(server, { versioned: false }));
});
