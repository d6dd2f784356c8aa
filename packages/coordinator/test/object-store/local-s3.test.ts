import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalS3, type LocalS3Options } from '@longhaul/local-s3';
import { describeBucketLifecycle } from '../../src/lib/testing/bucket-lifecycle.contract.ts';
import { describeObjectStore, type SetUpObjectStore } from '../../src/lib/testing/object-store.contract.ts';
import { localS3Profile } from '../../src/s3-object-store.ts';
import { openS3Bucket, type S3Bucket } from './s3-bucket.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' };

async function open(
  storage: LocalS3Options['storage'],
  options: Parameters<SetUpObjectStore>[0],
): Promise<S3Bucket> {
  let aheadMs = 0;
  const server = await createLocalS3({ storage, credentials, now: () => Date.now() + aheadMs }).listen();
  const bucket = await openS3Bucket({ endpoint: server.url, credentials, profile: localS3Profile }, options);
  return {
    ...bucket,
    passSeconds: async (seconds) => {
      aheadMs += seconds * 1000;
    },
    close: async () => {
      await bucket.close();
      await server.close();
    },
  };
}

describeObjectStore('local-s3 in memory', (options) => open({ kind: 'memory' }, options));

describeObjectStore('local-s3 in a folder', async (options) => {
  const path = await mkdtemp(join(tmpdir(), 'longhaul-contract-'));
  const harness = await open({ kind: 'folder', path }, options);
  return {
    ...harness,
    close: async () => {
      await harness.close();
      await rm(path, { recursive: true });
    },
  };
});

describeBucketLifecycle('local-s3', () => open({ kind: 'memory' }, { versioned: false }));
