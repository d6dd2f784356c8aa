/**
 * The bucket's own rules for what is left behind. Needed by operators only: no upload depends on it.
 *
 * Throws `ObjectStoreError` when the store refuses or cannot be reached; `refused` with the code `NotImplemented`
 * when the store's profile has no lifecycle rules.
 */
export interface BucketLifecycle {
  /** Every rule of the bucket, in the names of S3's API; empty when there is none. */
  rules(): Promise<readonly LifecycleRule[]>;

  /**
   * Puts the rule in the place of the one with its id, and leaves every other rule as it stands. Rules that somebody
   * else changes in the same moment are lost: S3 takes all rules at once, without a condition.
   */
  putAbortRule(rule: AbortRule): Promise<void>;
}

/** A rule as `aws s3api put-bucket-lifecycle-configuration` takes it. Members that are of no interest here are kept. */
export interface LifecycleRule {
  readonly ID?: string | undefined;
  readonly Status?: string | undefined;
  /** Where rules made long ago have their prefix. */
  readonly Prefix?: string | undefined;
  readonly Filter?: LifecycleFilter | undefined;
  readonly AbortIncompleteMultipartUpload?: { readonly DaysAfterInitiation?: number | undefined } | undefined;
}

/** What a rule is for. */
export interface LifecycleFilter {
  readonly Prefix?: string | undefined;
  readonly And?: { readonly Prefix?: string | undefined } | undefined;
}

/** Ends multipart uploads that were begun long ago, finished or not, whoever is still sending parts. */
export interface AbortRule {
  /** `ID` in the bucket: a rule that has it is replaced. */
  readonly id: string;
  /** Keys that it is for; empty: the whole bucket. */
  readonly prefix: string;
  /** Counted from CreateMultipartUpload, not from the last part. */
  readonly daysAfterInitiation: number;
}

/** A rule in the names of S3's API. */
export function abortRuleOf({ id, prefix, daysAfterInitiation }: AbortRule): LifecycleRule {
  return {
    ID: id,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: daysAfterInitiation },
  };
}
