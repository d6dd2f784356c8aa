import type { BucketProbe, ListedKey } from '../../ports/bucket-probe.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import { formatCount } from '../plain-text.ts';
import { type Finding, good } from './finding.ts';

/** Objects under the prefix that no row knows. */
export interface UnknownObjects {
  readonly seenCount: number;
  readonly count: number;
  readonly sizeBytes: number;
  /** The first of them. */
  readonly objects: readonly ListedKey[];
}

/** What is kept of a long list, so that a bucket of any size fits the memory. */
const MOST_TOLD = 10_000;

/**
 * Compares the objects under the prefix with the catalog, page by page. Reports only: the list does not tell whose an
 * object is.
 *
 * @throws ObjectStoreError, CatalogError when they cannot be reached
 */
export async function findUnknownObjects(bucket: BucketProbe, catalog: Catalog): Promise<UnknownObjects> {
  const objects: ListedKey[] = [];
  let [seenCount, count, sizeBytes] = [0, 0, 0];
  for await (const page of bucket.objects()) {
    const rows = await catalog.findByKeys(page.map(({ key }) => key));
    const rotations = await catalog.rotations.findByKeys(page.map(({ key }) => key));
    const known = new Set([...rows.map(({ s3Key }) => s3Key), ...rotations.flatMap(keysOf)]);
    for (const object of page.filter(({ key }) => !known.has(key))) {
      count += 1;
      sizeBytes += object.sizeBytes;
      if (objects.length < MOST_TOLD) objects.push(object);
    }
    seenCount += page.length;
  }
  return { seenCount, count, sizeBytes, objects };
}

/** What a rotation accounts for: its copy until that is the row's, and what was copied until it is deleted. */
function keysOf({ state, s3Key, sourceKey, nextAttemptAtEpochMs, lastError }: RotationRecord): string[] {
  if (nextAttemptAtEpochMs !== undefined) return [s3Key, sourceKey];
  // The store refuses to delete it, under a lock for example, and the row tells so.
  return state === 'DONE' && lastError !== undefined ? [sourceKey] : [];
}

/** The same as a finding. */
export function unknownObjectsFinding(
  keyPrefix: string,
  { seenCount, count, sizeBytes, objects }: UnknownObjects,
): Finding {
  if (count === 0) {
    return good(
      'objects-unknown',
      `the catalog knows all ${formatCount(seenCount, 'object')} under "${keyPrefix}"`,
    );
  }
  return {
    id: 'objects-unknown',
    level: 'warning',
    what: `no row knows ${count} of ${formatCount(seenCount, 'object')} under "${keyPrefix}", ${sizeBytes} bytes; the first is ${objects[0]?.key ?? ''}`,
    why: 'the catalog was restored from a backup, or another program or installation writes here; they are billed, and nobody is told of them',
    fix: "longhaul-coordinator doctor --reconcile --json | jq -r '.unknownObjects[].key'   # look whose they are; the node-id is in their metadata: aws s3api head-object",
  };
}
