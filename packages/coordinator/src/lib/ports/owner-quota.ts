/** How much one owner may have. Left out: no limit. */
export interface OwnerQuota {
  /** Uploads that have begun and not ended. */
  readonly maxOpenUploads?: number;
  /** Bytes of those, as declared; while a size is unknown, as far as URLs were handed out. */
  readonly maxOpenBytes?: number;
  /** Bytes of those and of every object stored, as far as the catalog knows. */
  readonly maxBytes?: number;
}

/**
 * Says what an owner may have; what it leaves out is as the settings say, `Infinity` lifts a limit.
 *
 * @example async (owner) => ({ maxBytes: await planOf(owner).bytes })
 */
export type QuotaFor = (owner: string) => Promise<OwnerQuota> | OwnerQuota;

/** What an owner has too much of. */
export type QuotaLimit = keyof OwnerQuota;

/** The owner has no room left for what was asked. Nothing was written. */
export class QuotaExceededError extends Error {
  override readonly name = 'QuotaExceededError';
  readonly limit: QuotaLimit;
  readonly most: number;

  constructor(limit: QuotaLimit, most: number) {
    super(`the owner's ${limit} of ${most} would be exceeded`);
    this.limit = limit;
    this.most = most;
  }
}
