import { type OwnerQuota, QuotaExceededError, type QuotaLimit } from '../ports/owner-quota.ts';

/** What an owner has, as both SQL catalogs sum it up. */
export type OwnerUsage = Readonly<Record<'open_uploads' | 'open_bytes' | 'stored_bytes', number>>;

/** What is wanted beside it. */
export interface Wanted {
  readonly uploads: number;
  readonly bytes: number;
}

/** A quota without limits is none: it costs neither a lock nor a sum. */
export function isLimited(quota: OwnerQuota | undefined): quota is OwnerQuota {
  return quota !== undefined && Object.values(quota).some((most) => most !== undefined);
}

/** @throws QuotaExceededError when there is no room for what is wanted */
export function assertRoom(usage: OwnerUsage, quota: OwnerQuota, wanted: Wanted): void {
  const after: Record<QuotaLimit, number> = {
    maxOpenUploads: usage.open_uploads + wanted.uploads,
    maxOpenBytes: usage.open_bytes + wanted.bytes,
    maxBytes: usage.open_bytes + usage.stored_bytes + wanted.bytes,
  };
  for (const [limit, most] of Object.entries(quota) as [QuotaLimit, number | undefined][]) {
    if (most !== undefined && after[limit] > most) throw new QuotaExceededError(limit, most);
  }
}
