import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { ProbedLifecycleRule } from '../../../src/lib/ports/bucket-probe.ts';
import { ABORT_RULE_ID } from '../../../src/lib/process/abort-rule.ts';
import { checkLifecycle } from '../../../src/lib/process/doctor/checks/lifecycle.ts';
import type { Finding } from '../../../src/lib/process/doctor/finding.ts';
import type { Patient } from '../../../src/lib/process/doctor/patient.ts';
import { repair } from '../../../src/lib/process/doctor/repair.ts';
import { exampleDraft } from '../../../src/lib/testing/catalog-harness.ts';
import { settingsOf } from '../../../src/lib/coordinator-settings.ts';
import { storeProfiles } from '../../../src/s3-object-store.ts';
import { createSqliteStore } from '../../../src/sqlite.ts';
import { withFolder } from './run-doctor.ts';

const DAY_MS = 86_400_000;

function abortRule(id: string, days: number, prefix: string): ProbedLifecycleRule {
  return {
    ID: id,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: days },
  };
}

/** What the doctor finds, and the rules that it has put there. */
function look(rules: readonly ProbedLifecycleRule[]) {
  const put: unknown[] = [];
  const bucket = { bucket: 'uploads', putAbortRule: async (rule: unknown) => void put.push(rule) };
  const settings = settingsOf({ keyTemplate: 'connectors/{nodeId}' });
  const patient = {
    bucket,
    settings,
    profile: storeProfiles['ceph-radosgw-16'],
    keyPrefix: 'connectors/',
    wish: { longestDays: 7 },
  } as unknown as Patient;
  const lifecycle = { value: rules };
  const [finding] = checkLifecycle(patient, { lifecycle } as Parameters<typeof checkLifecycle>[1]);
  return { finding: finding as Finding, put };
}

const world = { env: {}, say: () => {}, note: () => {}, report: () => {} };

describe('doctor --fix and lifecycle rules', () => {
  it('offers nothing against a rule of somebody else: the shorter of two rules counts', async () => {
    const { finding } = look([abortRule('theirs', 2, 'connectors/')]);
    expect(finding).toMatchObject({ id: 'lifecycle-too-short', fix: expect.stringContaining('7 days') });
    expect(finding.repair).toBeUndefined();
  });

  it('gives our own rule its days', async () => {
    const { finding, put } = look([abortRule(ABORT_RULE_ID, 2, 'connectors/')]);
    expect(await repair([finding], true, world)).toEqual(['lifecycle-too-short']);
    expect(put).toEqual([{ id: ABORT_RULE_ID, prefix: 'connectors/', daysAfterInitiation: 7 }]);
  });

  it('does not take the rule of another prefix away', async () => {
    const { finding } = look([abortRule(ABORT_RULE_ID, 7, 'videos/')]);
    expect(finding).toMatchObject({ id: 'lifecycle-missing', fix: expect.stringContaining('"videos/"') });
    expect(finding.repair).toBeUndefined();
  });

  it('adds no rule that would end an upload that is open', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'catalog.sqlite');
      const { catalog } = createSqliteStore({ path });
      await catalog.migrate();
      const { record } = await catalog.insert(exampleDraft());
      await catalog.close();
      const env = { S3_BUCKET: 'uploads', LONGHAUL_SQLITE_FILE: path };
      const notes: string[] = [];
      const { finding, put } = look([]);
      const tell = { ...world, env, note: (line: string) => void notes.push(line) };
      const age = (days: number): void => {
        const database = new DatabaseSync(path);
        database
          .prepare('UPDATE nodes SET created_at = ? WHERE document_id = ?')
          .run(Date.now() - days * DAY_MS, record.uploadId);
        database.close();
      };
      age(7);
      expect(await repair([finding], true, tell)).toEqual([]);
      expect([put, notes]).toEqual([[], [expect.stringMatching(/lifecycle-missing.*begun 7 d/)]]);
      age(5);
      expect(await repair([finding], true, tell)).toEqual(['lifecycle-missing']);
    });
  });
});
