import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { expect, vi } from 'vitest';
import type { Finding } from '../../../src/lib/process/doctor/finding.ts';
import { runCli } from '../../../src/lib/process/run-cli.ts';

/** A store to be looked at. */
export interface Store {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** As `S3_PROFILE` has it. */
  readonly profile: string;
}

/** What came of one run. */
export interface DoctorRun {
  readonly status: number;
  readonly findings: readonly Finding[];
  readonly stdout: string;
  readonly stderr: string;
  /** The finding with that id. Throws when it was not found. */
  finding(id: string): Finding;
}

/** Ids of everything that is no more than a note. */
export function troubles({ findings }: DoctorRun): readonly string[] {
  return findings.filter(({ level }) => level === 'warning' || level === 'error').map(({ id }) => id);
}

/** A bucket of a test's own, and a client of its owner. */
export async function openBucket(store: Store): Promise<{ bucket: string; client: S3Client }> {
  const { endpoint, accessKeyId, secretAccessKey } = store;
  const bucket = `doctor-${randomUUID()}`;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return { bucket, client };
}

/** The environment by which a coordinator would use the bucket. */
export function environmentOf(store: Store, bucket: string): Record<string, string> {
  return {
    S3_BUCKET: bucket,
    S3_ENDPOINT: store.endpoint,
    S3_PROFILE: store.profile,
    LONGHAUL_SQLITE_FILE: join(tmpdir(), `${randomUUID()}.sqlite`),
  };
}

/** Runs `doctor --json` in this process, with the store's credentials. */
export async function runDoctor(
  store: Pick<Store, 'accessKeyId' | 'secretAccessKey'>,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<DoctorRun> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', store.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', store.secretAccessKey);
  const said = { stdout: '', stderr: '' };
  try {
    const status = await runCli(['doctor', '--json', ...args], {
      env,
      say: (line) => (said.stdout += `${line}\n`),
      note: (line) => (said.stderr += `${line}\n`),
      report: (error) => (said.stderr += `${String(error)}\n`),
    });
    const findings = said.stdout.startsWith('{')
      ? (JSON.parse(said.stdout) as { findings: Finding[] }).findings
      : [];
    return { status, findings, ...said, finding: (id) => findingOf(findings, id, said.stderr) };
  } finally {
    vi.unstubAllEnvs();
  }
}

function findingOf(findings: readonly Finding[], id: string, stderr: string): Finding {
  const found = findings.find((each) => each.id === id);
  if (found) return found;
  throw new Error(
    `no ${id} among ${findings.map((each) => `${each.id} (${each.level})`).join(', ')} ${stderr}`,
  );
}

/** Everything that stands in the bucket. */
export async function contentOf(client: S3Client, bucket: string): Promise<readonly string[]> {
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  const versions = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
  return [
    ...(uploads.Uploads ?? []).map(({ Key, UploadId }) => `open ${Key} ${UploadId}`),
    ...(versions.Versions ?? []).map(({ Key, VersionId }) => `object ${Key} ${VersionId}`),
    ...(versions.DeleteMarkers ?? []).map(({ Key, VersionId }) => `marker ${Key} ${VersionId}`),
  ].toSorted();
}

/** The JSON document inside a `fix` that is a shell command. */
export function documentIn(fix: string | undefined): unknown {
  const [, json] = /'(\{.*\})'/.exec(fix ?? '') ?? [];
  expect(json, fix).toBeDefined();
  return JSON.parse(json ?? '');
}

/** A folder that is removed again. */
export async function withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-doctor-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
