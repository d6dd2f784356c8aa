import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { StoreKind } from '../../e2e/support/stores.ts';

const { LONGHAUL_TEST_CEPH_CONFIG: cephConfiguration } = process.env;

/** Why a store's garbage collection cannot be run here; `undefined` when it can, or when it has none. */
export function missingCollector({ name }: StoreKind): string | undefined {
  return name === 'Ceph' && !cephConfiguration ? 'needs LONGHAUL_TEST_CEPH_CONFIG' : undefined;
}

/** What Ceph does some hours later by itself: it removes the bytes that deleted and aborted uploads have left. */
export async function collectGarbage({ name }: StoreKind): Promise<void> {
  if (name !== 'Ceph') return;
  const collect = ['gc', 'process', '--include-all'];
  await promisify(execFile)('radosgw-admin', ['-c', cephConfiguration ?? '', ...collect]);
}
