import { describe } from 'vitest';
import { describeObjectStore } from '../../src/lib/testing/object-store.contract.ts';
import { minioProfile } from '../../src/s3-object-store.ts';
import { openS3Bucket } from './s3-bucket.ts';

const {
  LONGHAUL_TEST_MINIO_URL: endpoint = '',
  LONGHAUL_TEST_MINIO_ACCESS_KEY_ID: accessKeyId = '',
  LONGHAUL_TEST_MINIO_SECRET_ACCESS_KEY: secretAccessKey = '',
} = process.env;

describe.skipIf(endpoint === '')(`MinIO${endpoint ? '' : ' (needs LONGHAUL_TEST_MINIO_URL)'}`, () => {
  const server = { endpoint, credentials: { accessKeyId, secretAccessKey }, profile: minioProfile };
  describeObjectStore(server.profile.name, (options) => openS3Bucket(server, options));
});
