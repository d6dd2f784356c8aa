import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../src/lib/process/run-cli.ts';
import { cephRadosgw16Profile } from '../../src/s3-object-store.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import { openS3Bucket } from '../object-store/s3-bucket.ts';

const {
  LONGHAUL_TEST_CEPH_URL: endpoint = '',
  LONGHAUL_TEST_CEPH_ACCESS_KEY_ID: accessKeyId = '',
  LONGHAUL_TEST_CEPH_SECRET_ACCESS_KEY: secretAccessKey = '',
} = process.env;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.skipIf(endpoint === '')(`Ceph radosgw${endpoint ? '' : ' (needs LONGHAUL_TEST_CEPH_URL)'}`, () => {
  it('keeps the rule that bucket lifecycle --apply puts there, beside those of others', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
    const server = { endpoint, credentials: { accessKeyId, secretAccessKey }, profile: cephRadosgw16Profile };
    const bucket = await openS3Bucket(server, { versioned: false });
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-lifecycle-'));
    const LONGHAUL_SQLITE_FILE = join(folder, `${randomUUID()}.sqlite`);
    const { catalog } = createSqliteStore({ path: LONGHAUL_SQLITE_FILE });
    const said = { stdout: '', stderr: '' };
    const run = (...args: readonly string[]): Promise<number> =>
      runCli(['bucket', 'lifecycle', ...args], {
        env: {
          S3_BUCKET: bucket.objectStore.bucket,
          S3_ENDPOINT: endpoint,
          S3_PROFILE: 'ceph-radosgw-16',
          LONGHAUL_SQLITE_FILE,
        },
        say: (line) => (said.stdout += `${line}\n`),
        note: (line) => (said.stderr += `${line}\n`),
        report: (error) => (said.stderr += `${String(error)}\n`),
      });
    try {
      const theirs = { ID: 'drafts', Status: 'Enabled', Filter: { Prefix: 'connectors/drafts/' } };
      await bucket.putRules([{ ...theirs, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }]);

      expect(await run('--days', '14')).toBe(0);
      expect(said.stderr).toContain(
        'Rule "drafts" of the bucket ends uploads under "connectors/drafts/" after 1 days',
      );
      const printed = JSON.parse(said.stdout) as { Rules: { ID: string }[] };
      expect(await bucket.objectStore.lifecycle.rules()).toHaveLength(1);

      expect(await run('--days', '14', '--apply')).toBe(0);
      expect(await run('--days', '9', '--apply')).toBe(0);
      const rules = await bucket.objectStore.lifecycle.rules();
      expect(new Set(rules.map(({ ID }) => ID))).toEqual(new Set(printed.Rules.map(({ ID }) => ID)));
      expect(rules).toContainEqual(
        expect.objectContaining({
          ID: 'longhaul-abort-incomplete-uploads',
          Filter: { Prefix: 'connectors/' },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 9 },
        }),
      );
      expect(await run('--days', '2', '--apply')).toBe(1);
      expect(await bucket.objectStore.lifecycle.rules()).toEqual(rules);
    } finally {
      await catalog.close();
      await rm(folder, { recursive: true });
      await bucket.close();
    }
  });
});
