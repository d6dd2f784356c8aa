import type { BucketSettings, MeasuredStore } from '../../ports/bucket-probe.ts';
import type { StoreProfile } from '../../ports/store-profile.ts';

/** What was seen, as a profile. What could not be told is not claimed. */
export function measuredProfile(
  believed: StoreProfile,
  { endpoint, settings, seen }: { endpoint: string; settings: BucketSettings; seen: MeasuredStore },
): StoreProfile {
  const { abortAfterDays, maxObjectSizeBytes, requestsPerSecond, http2 } = believed;
  return {
    name: believed.name,
    proven: 'doctor',
    source: `measured at ${endpoint}, ${new Date().toISOString().slice(0, 10)}`,
    putIfNoneMatch: seen.putIfNoneMatch ?? false,
    completeIfNoneMatch: seen.completeIfNoneMatch ?? false,
    fullObjectChecksums: seen.fullObjectChecksums ?? [],
    contentMd5: seen.contentMd5 ?? false,
    completeIdempotent: seen.completeIdempotent ?? false,
    completeReturnsEtag: seen.completeReturnsEtag ?? false,
    verifiesObjectSize: seen.verifiesObjectSize ?? false,
    refusesPartOrder: seen.refusesPartOrder ?? false,
    refusesUnsignedHeaders: seen.refusesUnsignedHeaders ?? false,
    equalParts: seen.equalParts ?? true,
    refusesCutBodies: seen.refusesCutBodies ?? false,
    unknownUploadIs404: seen.unknownUploadIs404 ?? false,
    pagesOpenUploads: seen.pagesOpenUploads ?? false,
    // Whether a bucket that keeps no versions could keep them is not tried: it cannot be undone.
    versioning:
      believed.versioning || ('value' in settings.versioning && settings.versioning.value !== 'off'),
    lifecycle: 'value' in settings.lifecycle,
    encryption: seen.encryption ?? [],
    ssecBlind: seen.ssecBlind ?? false,
    ssecCopy: seen.ssecCopy ?? false,
    presignedCreateMetadata: seen.presignedCreateMetadata ?? false,
    stableEtags: seen.stableEtags ?? false,
    ...(abortAfterDays !== undefined && { abortAfterDays }),
    ...(maxObjectSizeBytes !== undefined && { maxObjectSizeBytes }),
    ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    ...(http2 !== undefined && { http2 }),
  };
}
