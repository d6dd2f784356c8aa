import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abortRuleOf, type BucketLifecycle, type LifecycleRule } from '../ports/bucket-lifecycle.ts';
import type { StoreProfile } from '../ports/store-profile.ts';

/** A bucket of one's own, as two adapters see it. */
export interface BucketLifecycleFixture {
  readonly objectStore: { readonly lifecycle: BucketLifecycle; readonly profile: StoreProfile };
  /** The same bucket by an adapter whose profile claims everything. */
  readonly trusting: { readonly lifecycle: BucketLifecycle };
  /** Gives the bucket rules as its owner would. */
  putRules(rules: readonly LifecycleRule[]): Promise<void>;
  /** Removes the bucket and lets go of connections. */
  close(): Promise<void>;
}

// Constants of their own, because they have members that the port does not name.
const KEEP_LOGS = {
  ID: 'keep logs for a year',
  Status: 'Enabled',
  Filter: { And: { Prefix: 'logs/', Tags: [{ Key: 'kind', Value: 'audit' }] } },
  Expiration: { Days: 365 },
};
const ABORT_DRAFTS = {
  ID: 'abort-drafts',
  Status: 'Disabled',
  Filter: { Prefix: 'drafts/' },
  NoncurrentVersionExpiration: { NoncurrentDays: 30 },
  AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
};
const SOMEBODY_ELSES: readonly LifecycleRule[] = [KEEP_LOGS, ABORT_DRAFTS];

/**
 * Contract of the `BucketLifecycle` port, for vitest. Where the profile has no lifecycle rules, the adapter must say so,
 * and the store must be seen to have none.
 */
export function describeBucketLifecycle(name: string, setUp: () => Promise<BucketLifecycleFixture>): void {
  describe(`bucket lifecycle: ${name}`, () => {
    let fixture: BucketLifecycleFixture;
    let isThere: boolean;
    beforeAll(async () => {
      fixture = await setUp();
      isThere = fixture.objectStore.profile.lifecycle;
    });
    afterAll(async () => {
      await fixture?.close();
    });

    it('is there where the profile says so, and only there', async () => {
      const read = fixture.trusting.lifecycle.rules();
      if (isThere) return expect(await read).toEqual([]);
      await expect(read).rejects.toMatchObject({ name: 'ObjectStoreError', kind: 'refused' });
    });

    it('puts our rule beside those of others, again and again, and changes none of them', async () => {
      const { lifecycle } = fixture.objectStore;
      const rule = { id: 'ours', prefix: 'connectors/', daysAfterInitiation: 7 };
      if (!isThere) return expectRefusal(lifecycle.rules(), lifecycle.putAbortRule(rule));
      await lifecycle.putAbortRule(rule);
      expect(await lifecycle.rules()).toEqual([abortRuleOf(rule)]);

      await fixture.putRules([...SOMEBODY_ELSES, abortRuleOf(rule)]);
      const before = await lifecycle.rules();
      expect(before.map(({ ID }) => ID)).toEqual(
        expect.arrayContaining([...SOMEBODY_ELSES.map(({ ID }) => ID), rule.id]),
      );
      const longer = { ...rule, prefix: "connectors/b_(1)'s/", daysAfterInitiation: 14 };
      await lifecycle.putAbortRule(longer);
      expect(sorted(await lifecycle.rules())).toEqual(
        sorted([...before.filter(({ ID }) => ID !== rule.id), abortRuleOf(longer)]),
      );
    });
  });
}

async function expectRefusal(...calls: readonly Promise<unknown>[]): Promise<void> {
  const refusal = { name: 'ObjectStoreError', kind: 'refused', s3Code: 'NotImplemented' };
  for (const call of calls) await expect(call).rejects.toMatchObject(refusal);
}

/** Stores keep rules in an order of their own. */
function sorted(rules: readonly LifecycleRule[]): readonly LifecycleRule[] {
  return rules.toSorted((a, b) => (a.ID ?? '').localeCompare(b.ID ?? ''));
}
