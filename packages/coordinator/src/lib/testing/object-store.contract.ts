import { describe } from 'vitest';
import { describeChecksums } from './object-store-checksums.contract.ts';
import { describeCopies } from './object-store-copies.contract.ts';
import { describeEncryption } from './object-store-encryption.contract.ts';
import { describeGrants } from './object-store-grants.contract.ts';
import type { SetUpObjectStore } from './object-store-harness.ts';
import { describeListings } from './object-store-listings.contract.ts';
import { describeMultipart } from './object-store-multipart.contract.ts';
import { describeObjects } from './object-store-objects.contract.ts';
import { describeObjectOptions } from './object-store-options.contract.ts';
import { describeVersions } from './object-store-versions.contract.ts';

export type { ObjectStoreHarness, SendAnswer, SetUpObjectStore } from './object-store-harness.ts';

/**
 * Contract of the `ObjectStore` port, for vitest. Each flag of the store's profile is asserted both ways: what
 * the profile claims must work, and what it denies must be seen to be missing.
 *
 * @example
 * describeObjectStore('my store', async ({ versioned }) => openBucket({ versioned }));
 */
export function describeObjectStore(name: string, setUp: SetUpObjectStore): void {
  describe(`object store: ${name}`, () => {
    describeMultipart(setUp);
    describeListings(setUp);
    describeObjects(setUp);
    describeGrants(setUp);
    describeChecksums(setUp);
    describeVersions(setUp);
    describeEncryption(setUp);
    describeCopies(setUp);
    describeObjectOptions(setUp);
  });
}
