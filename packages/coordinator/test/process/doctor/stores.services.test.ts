import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  type CORSConfiguration,
  CreateMultipartUploadCommand,
  type LifecycleRule,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import type { StoreProfile } from '../../../src/lib/ports/store-profile.ts';
import type { Finding } from '../../../src/lib/process/doctor/finding.ts';
import { storeProfiles } from '../../../src/s3-object-store.ts';
import {
  contentOf,
  documentIn,
  environmentOf,
  openBucket,
  runDoctor,
  type Store,
  troubles,
  withFolder,
} from './run-doctor.ts';

const ORIGIN = 'https://app.example';

function storeOf(name: string, profile: string): Store {
  const read = (variable: string): string => process.env[`LONGHAUL_TEST_${name}_${variable}`] ?? '';
  return {
    endpoint: read('URL'),
    accessKeyId: read('ACCESS_KEY_ID'),
    secretAccessKey: read('SECRET_ACCESS_KEY'),
    profile,
  };
}

const ceph = storeOf('CEPH', 'ceph-radosgw-16');
const versitygw = storeOf('VERSITYGW', 'versitygw');
const minio = storeOf('MINIO', 'minio');

/** A bucket as docs/bucket.md wants it. */
async function setUp(client: S3Client, bucket: string, rules: readonly LifecycleRule[]): Promise<void> {
  const rule = {
    AllowedOrigins: [ORIGIN],
    AllowedMethods: ['PUT', 'POST', 'GET', 'HEAD'],
    AllowedHeaders: ['content-type', 'content-md5', 'if-match', 'if-none-match', 'range', 'x-amz-*'],
    ExposeHeaders: ['ETag', 'x-amz-checksum-crc64nvme'],
  };
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } }));
  if (rules.length > 0) await putRules(client, bucket, rules);
}

async function putRules(client: S3Client, bucket: string, rules: readonly LifecycleRule[]): Promise<void> {
  const LifecycleConfiguration = { Rules: [...rules] };
  await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }));
}

function abortRule(days: number, prefix = 'connectors/'): LifecycleRule {
  return {
    ID: `abort-${days}`,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: days },
  };
}

describe.skipIf(ceph.endpoint === '')(
  `doctor on Ceph${ceph.endpoint ? '' : ' (needs LONGHAUL_TEST_CEPH_URL)'}`,
  () => {
    it('is content with a bucket that is right, and leaves what was there, versions too', async () => {
      const { bucket, client } = await openBucket(ceph);
      await setUp(client, bucket, [abortRule(14)]);
      await client.send(
        new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
      );
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'connectors/a/1', Body: 'theirs' }));
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'connectors/a/2' }));
      const before = await contentOf(client, bucket);
      const run = await runDoctor(ceph, environmentOf(ceph, bucket), '--origin', ORIGIN);
      expect(troubles(run)).toEqual([]);
      expect(run.status).toBe(0);
      for (const id of [
        'access',
        'rights',
        'cors',
        'lifecycle',
        'versioning',
        'behaviour',
        'encryption',
        'leftovers',
      ])
        expect(run.finding(id)).toMatchObject({ level: 'good' });
      // Ceph 16 minds If-None-Match, but not in a bucket that keeps versions.
      expect(run.finding('put-condition-ignored')).toMatchObject({ level: 'note', fix: /versionId/ });
      expect(await contentOf(client, bucket)).toEqual(before);
      expect(before).toHaveLength(2);
    });

    it('finds that there are no CORS rules, and its document mends it', async () => {
      const { bucket, client } = await openBucket(ceph);
      await putRules(client, bucket, [abortRule(14)]);
      const env = environmentOf(ceph, bucket);
      const run = await runDoctor(ceph, env, '--origin', ORIGIN);
      expect(run.status).toBe(1);
      expect(troubles(run)).toEqual(['cors-origin']);
      const CORSConfiguration = documentIn(run.finding('cors-origin').fix) as CORSConfiguration;
      await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration }));
      expect(troubles(await runDoctor(ceph, env, '--origin', ORIGIN))).toEqual([]);
    });

    it('finds headers that pages may not send, and an ETag that they may not read', async () => {
      const { bucket, client } = await openBucket(ceph);
      const origins = { AllowedOrigins: [ORIGIN], AllowedMethods: ['PUT'] };
      const env = environmentOf(ceph, bucket);
      const put = (rule: object): Promise<unknown> =>
        client.send(
          new PutBucketCorsCommand({
            Bucket: bucket,
            CORSConfiguration: { CORSRules: [{ ...origins, ...rule }] },
          }),
        );
      await put({ AllowedHeaders: ['content-type'], ExposeHeaders: ['ETag'] });
      const headers = await runDoctor(ceph, env, '--origin', ORIGIN);
      expect(headers.finding('cors-headers')).toMatchObject({
        level: 'error',
        what: expect.stringMatching(/content-md5, if-none-match, x-amz-checksum-crc64nvme/),
        fix: expect.stringContaining('"x-amz-*"'),
      });
      await put({ AllowedHeaders: ['*'] });
      const hidden = await runDoctor(ceph, env, '--origin', ORIGIN);
      expect(hidden.finding('cors-etag-hidden')).toMatchObject({
        level: 'warning',
        fix: expect.stringContaining('"ExposeHeaders":["ETag"'),
      });
    });

    it('finds that no rule ends unfinished uploads, and mends that and CORS when told to', async () => {
      const { bucket, client } = await openBucket(ceph);
      const theirs = { ...abortRule(30, 'others/'), ID: 'theirs' };
      await putRules(client, bucket, [theirs]);
      const env = environmentOf(ceph, bucket);
      const before = await runDoctor(ceph, env, '--origin', ORIGIN);
      expect(troubles(before)).toEqual(['cors-origin', 'lifecycle-missing']);
      expect(before.finding('lifecycle-missing').fix).toContain('bucket lifecycle --days 7 --apply');
      const unasked = await runDoctor(ceph, env, '--origin', ORIGIN, '--fix');
      expect([unasked.status, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
      const run = await runDoctor(ceph, env, '--origin', ORIGIN, '--fix', '--yes');
      expect(JSON.parse(run.stdout)).toMatchObject({ repaired: ['cors-origin', 'lifecycle-missing'] });
      expect([run.status, troubles(run)]).toEqual([0, []]);
      expect(await contentOf(client, bucket)).toEqual([]);
    });

    it('finds rules that end uploads too soon, and that remove what was uploaded', async () => {
      const { bucket, client } = await openBucket(ceph);
      await putRules(client, bucket, [
        abortRule(2),
        { ID: 'old', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 90 } },
      ]);
      const run = await runDoctor(ceph, environmentOf(ceph, bucket));
      expect(run.finding('lifecycle-too-short')).toMatchObject({
        level: 'error',
        what: expect.stringContaining('2 days'),
        fix: expect.stringContaining('after 7 days'),
      });
      expect(run.finding('lifecycle-expires-objects')).toMatchObject({
        level: 'warning',
        what: expect.stringContaining('90 days'),
      });
      const longer = await runDoctor(ceph, environmentOf(ceph, bucket), '--longest-days', '21');
      expect(longer.finding('lifecycle-too-short').fix).toContain('after 21 days');
    });

    it('finds that versioning is suspended', async () => {
      const { bucket, client } = await openBucket(ceph);
      for (const Status of ['Enabled', 'Suspended'] as const) {
        await client.send(
          new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }),
        );
      }
      const run = await runDoctor(ceph, environmentOf(ceph, bucket));
      expect(run.finding('versioning-suspended').fix).toContain('put-bucket-versioning');
      expect(run.finding('leftovers').level).toBe('good');
      expect(await contentOf(client, bucket)).toEqual([]);
    });

    it('finds that anybody may list the bucket', async () => {
      const { bucket, client } = await openBucket(ceph);
      await client.send(new PutBucketAclCommand({ Bucket: bucket, ACL: 'public-read' }));
      const run = await runDoctor(ceph, environmentOf(ceph, bucket));
      expect(run.finding('public-access')).toMatchObject({
        level: 'error',
        fix: expect.stringContaining('put-public-access-block'),
      });
    });

    it('finds every claim of a profile that is not this store’s', async () => {
      const { bucket } = await openBucket(ceph);
      const run = await runDoctor(ceph, { ...environmentOf(ceph, bucket), S3_PROFILE: 'aws' });
      expect(run.finding('checksum-ignored')).toMatchObject({
        level: 'error',
        what: /CRC32, CRC32C, CRC64NVME/,
      });
      expect(run.finding('complete-condition-ignored').level).toBe('warning');
      expect(run.finding('unsigned-headers-taken').level).toBe('warning');
      expect(run.finding('sse-missing').what).toContain('claims sse-s3');
      expect(run.finding('profile-wrong').what).toContain(
        'completeReturnsEtag, verifiesObjectSize, unknownUploadIs404, ssecCopy',
      );
      for (const id of ['checksum-ignored', 'profile-wrong'])
        expect(run.finding(id).fix).toContain('--write-profile profile.json');
    });

    it('finds a bucket that is not there, a key that nobody knows, and a secret that is wrong', async () => {
      const { bucket } = await openBucket(ceph);
      const env = environmentOf(ceph, bucket);
      const missing = await runDoctor(ceph, { ...env, S3_BUCKET: 'nobody-has-this' });
      expect(missing.finding('bucket-missing').fix).toContain(
        'aws s3api create-bucket --bucket nobody-has-this',
      );
      const unknown = await runDoctor({ ...ceph, accessKeyId: 'AKIDNOBODY' }, env);
      expect(unknown.finding('credentials-unknown').fix).toContain('AWS_ACCESS_KEY_ID');
      const secret = await runDoctor({ ...ceph, secretAccessKey: 'canary-secret' }, env);
      expect(secret.finding('credentials-secret').fix).toContain('AWS_SECRET_ACCESS_KEY');
      for (const run of [missing, unknown, secret]) {
        expect([run.status, troubles(run)]).toEqual([1, [expect.any(String)]]);
        expect(run.stdout + run.stderr).not.toMatch(/canary-secret|X-Amz-Signature=/);
      }
    });
  },
);

const tlsEndpoint = process.env['LONGHAUL_TEST_CEPH_TLS_URL'] ?? '';
describe.skipIf(tlsEndpoint === '')(
  `doctor over TLS${tlsEndpoint ? '' : ' (needs LONGHAUL_TEST_CEPH_TLS_URL)'}`,
  () => {
    it('finds a certificate that nobody has signed, as a process that does not know its authority', async () => {
      const { bucket } = await openBucket(ceph);
      const env = {
        ...environmentOf({ ...ceph, endpoint: tlsEndpoint }, bucket),
        PATH: process.env['PATH'] ?? '',
        AWS_ACCESS_KEY_ID: ceph.accessKeyId,
        AWS_SECRET_ACCESS_KEY: ceph.secretAccessKey,
      };
      const main = join(import.meta.dirname, '../../../src/main.ts');
      const child = spawn(process.execPath, [main, 'doctor', '--json'], { env });
      const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
      expect(findings.find(({ id }) => id === 'tls-certificate')).toMatchObject({
        level: 'error',
        fix: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
      });
      expect(status).toBe(1);
    });
  },
);

describe.skipIf(versitygw.endpoint === '')(
  `doctor on versitygw${versitygw.endpoint ? '' : ' (needs LONGHAUL_TEST_VERSITYGW_URL)'}`,
  () => {
    it('is content with a bucket that is right', async () => {
      const { bucket, client } = await openBucket(versitygw);
      await setUp(client, bucket, []);
      const run = await runDoctor(versitygw, environmentOf(versitygw, bucket), '--origin', ORIGIN);
      expect([run.status, troubles(run)]).toEqual([0, []]);
      expect(run.finding('lifecycle-unreadable').fix).toContain('sweep --reconcile');
      expect(await contentOf(client, bucket)).toEqual([]);
    });

    it('finds that SSE-C is taken and dropped, and lists that do not go on, whatever the profile says', async () => {
      const { bucket } = await openBucket(versitygw);
      const run = await runDoctor(versitygw, { ...environmentOf(versitygw, bucket), S3_PROFILE: 'aws' });
      expect(run.finding('ssec-ignored')).toMatchObject({ level: 'error', fix: /profile must not claim it/ });
      expect(run.finding('paging-broken').what).toContain('ListMultipartUploads');
    });

    it('says what the profile could claim', async () => {
      const { bucket } = await openBucket(versitygw);
      const run = await runDoctor(versitygw, { ...environmentOf(versitygw, bucket), S3_PROFILE: 'generic' });
      expect(run.finding('profile-too-careful').what).toMatch(/putIfNoneMatch.*CRC64NVME/);
    });
  },
);

describe.skipIf(minio.endpoint === '')(
  `doctor on MinIO${minio.endpoint ? '' : ' (needs LONGHAUL_TEST_MINIO_URL)'}`,
  () => {
    it('tries sse-kms with the key that uploads would get', async () => {
      const { bucket, client } = await openBucket(minio);
      const lookWith = (key: string): ReturnType<typeof runDoctor> =>
        runDoctor(minio, {
          ...environmentOf(minio, bucket),
          LONGHAUL_ENCRYPTION_MODES: 'sse-kms',
          LONGHAUL_ENCRYPTION_KMS_DEFAULT_KEY: key,
        });
      const right = await lookWith(process.env['LONGHAUL_TEST_MINIO_KMS_KEY_ID'] ?? '');
      expect(right.finding('encryption').what).toContain('sse-kms');
      expect(troubles(right)).toEqual([]);
      const wrong = await lookWith('nobody-has-this-key');
      expect(wrong.finding('sse-missing')).toMatchObject({ level: 'error', fix: /kms:GenerateDataKey/ });
      expect(await contentOf(client, bucket)).toEqual([]);
    });
  },
);

describe.each([
  ['Ceph', ceph],
  ['versitygw', versitygw],
  ['MinIO', minio],
] as const)('doctor --write-profile', (name, store) => {
  it.skipIf(store.endpoint === '')(
    `measures ${name} as the contract suite has, and its file is read`,
    async () => {
      await withFolder(async (folder) => {
        const { bucket, client } = await openBucket(store);
        const file = join(folder, 'profile.json');
        const { S3_PROFILE: _, ...env } = environmentOf(store, bucket);
        await runDoctor(store, { ...env, S3_PROFILE: store.profile }, '--write-profile', file);
        const { proven, source, ...measured } = JSON.parse(await readFile(file, 'utf8')) as StoreProfile;
        const known = storeProfiles[store.profile as keyof typeof storeProfiles];
        expect(measured).toEqual({
          ...known,
          proven: undefined,
          source: undefined,
          refusesCutBodies: expect.any(Boolean),
        });
        expect([proven, source]).toEqual(['doctor', expect.stringContaining(store.endpoint)]);
        const run = await runDoctor(store, { ...env, S3_PROFILE_FILE: file });
        expect(run.finding('behaviour').level).toBe('good');
        expect(await contentOf(client, bucket)).toEqual([]);
      });
    },
  );
});
