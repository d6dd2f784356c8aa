import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CoordinatorProcess, serveCoordinator } from '../../processes/serve-coordinator.ts';
import type { TestStore } from '../../e2e/support/stores.ts';

/** Of a real server, by its variables (LONGHAUL_TEST_…). */
export type ServerVariable = 'CEPH' | 'MINIO';

/** What replicas have in common. */
export interface ReplicaGround {
  readonly server: ServerVariable;
  readonly store: TestStore;
  /** Where they take the store to be; clients go to it directly. */
  readonly storeUrl: string;
  /** Where uploads are remembered, in the coordinator's variables. */
  readonly memory: Readonly<Record<string, string>>;
  /** `id:base64`, under which keys wait. */
  readonly masterKeys: string;
  /** For what they write and read. */
  readonly folder: string;
  /** Most bytes of one copy. Default: what the store's profile says. */
  readonly maxCopySizeBytes?: number;
}

/** Where the server speaks TLS. */
export function tlsUrlOf(server: ServerVariable): string {
  return process.env[server === 'CEPH' ? 'LONGHAUL_TEST_CEPH_TLS_URL' : 'LONGHAUL_TEST_MINIO_URL'] ?? '';
}

/** Starts a replica as an operator does: `longhaul-coordinator serve`. */
export async function startReplica(ground: ReplicaGround): Promise<CoordinatorProcess> {
  const { server, store, storeUrl, memory, masterKeys, folder, maxCopySizeBytes } = ground;
  const { profile, bucket } = store.objectStore;
  const profileFile = join(folder, 'profile.json');
  await writeFile(profileFile, JSON.stringify({ ...profile, ...(maxCopySizeBytes && { maxCopySizeBytes }) }));
  const env = {
    S3_BUCKET: bucket,
    S3_ENDPOINT: storeUrl,
    S3_PUBLIC_ENDPOINT: tlsUrlOf(server),
    S3_PROFILE_FILE: profileFile,
    AWS_ACCESS_KEY_ID: process.env[`LONGHAUL_TEST_${server}_ACCESS_KEY_ID`] ?? '',
    AWS_SECRET_ACCESS_KEY: process.env[`LONGHAUL_TEST_${server}_SECRET_ACCESS_KEY`] ?? '',
    NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'] ?? '',
    LONGHAUL_TOKEN_KEYS: 'a key for tests that is long enough',
    LONGHAUL_KEY_VAULT: 'envelope',
    LONGHAUL_MASTER_KEYS: masterKeys,
    LONGHAUL_SWEEP_EVERY_SECONDS: '1',
    LONGHAUL_COMPLETE_ANSWER_WITHIN_SECONDS: '1',
    ...memory,
  };
  return await serveCoordinator(env, folder);
}
