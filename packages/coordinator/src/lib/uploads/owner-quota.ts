import { type OpenPlan, type PartPlan, partRange, type PartToSign } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import { type OwnerQuota, QuotaExceededError, type QuotaLimit } from '../ports/owner-quota.ts';
import type { UploadContext } from './context.ts';

const WHAT_IS_LIMITED: Readonly<Record<QuotaLimit, (most: number) => string>> = {
  maxOpenUploads: (most) => `${most} open uploads. Finish or cancel one of them`,
  maxOpenBytes: (most) => `${most} bytes in open uploads. Finish or cancel one of them`,
  maxBytes: (most) => `${most} bytes in open and stored uploads. Ask whoever runs this server for more`,
};

/** The quota of an owner: what the hook says, and for the rest the settings. */
export async function quotaOf({ settings, quotaFor }: UploadContext, owner: string): Promise<OwnerQuota> {
  if (!quotaFor) return settings.quota;
  const own = Object.entries(await quotaFor(owner)).filter(([, most]) => most !== undefined);
  for (const [limit, most] of own as [string, unknown][]) {
    // NaN is larger than nothing: a mistake in the hook must not become a quota without end.
    if (typeof most === 'number' && most >= 0) continue;
    throw new TypeError(
      `quotaFor must answer ${limit} as a number from 0, or leave it out, got ${String(most)}`,
    );
  }
  return { ...settings.quota, ...(Object.fromEntries(own) as OwnerQuota) };
}

/** Does the work; what it finds over quota is told to the client. @throws CoordinatorError `quota-exceeded` */
export async function withinQuota<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof QuotaExceededError)) throw error;
    const { limit, most } = error;
    throw new CoordinatorError(
      'quota-exceeded',
      `There is no room for this: one owner may have ${WHAT_IS_LIMITED[limit](most)}.`,
      {},
      error,
    );
  }
}

/**
 * An upload whose size is unknown takes room by the parts that are signed for it, before they are.
 *
 * @throws CoordinatorError `quota-exceeded`
 */
export async function reserveParts(
  context: UploadContext,
  upload: { readonly uploadId: string; readonly owner: string; readonly plan: PartPlan | OpenPlan },
  parts: readonly PartToSign[],
): Promise<void> {
  const { plan, uploadId, owner } = upload;
  if (plan.sizeBytes !== null || parts.length === 0) return;
  const quota = await quotaOf(context, owner);
  if (quota.maxOpenBytes === undefined && quota.maxBytes === undefined) return;
  const endBytes = parts.map(
    ({ partNumber, sizeBytes }) => partRange(plan, partNumber).offsetBytes + sizeBytes,
  );
  await withinQuota(() => context.catalog.reserve(uploadId, Math.max(...endBytes), quota));
}
