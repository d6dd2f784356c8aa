import type { StoreProfile } from '@longhaul/coordinator';

/** What all of them have in common. A copy of a few parts is made of as few bytes as can be. */
const SIMULATED = {
  proven: 'contract-suite',
  source: 'the simulation of this repository',
  encryption: ['sse-s3', 'sse-kms', 'sse-c'],
  ssecBlind: false,
  ssecCopy: true,
  maxCopySizeBytes: 10 * 1024 ** 2,
  presignedCreateMetadata: false,
  objectOptions: [],
  stableEtags: true,
} as const;

/** What the simulated store is. The contract suite holds it to each flag, as it does real stores. */
export const STORE_TRAITS = {
  /** Much like Amazon S3. */
  strict: {
    ...SIMULATED,
    name: 'simulated strict store',
    putIfNoneMatch: true,
    completeIfNoneMatch: true,
    fullObjectChecksums: [],
    contentMd5: true,
    completeIdempotent: true,
    completeReturnsEtag: true,
    verifiesObjectSize: true,
    refusesPartOrder: true,
    equalParts: false,
    refusesUnsignedHeaders: true,
    refusesCutBodies: true,
    unknownUploadIs404: true,
    pagesOpenUploads: true,
    listsOpenUploadsByPrefix: true,
    versioning: true,
    lifecycle: false,
  },
  /** Much like Ceph radosgw 16. */
  loose: {
    ...SIMULATED,
    name: 'simulated loose store',
    putIfNoneMatch: true,
    completeIfNoneMatch: false,
    fullObjectChecksums: [],
    contentMd5: true,
    completeIdempotent: true,
    completeReturnsEtag: false,
    verifiesObjectSize: false,
    refusesPartOrder: false,
    equalParts: false,
    refusesUnsignedHeaders: false,
    refusesCutBodies: true,
    unknownUploadIs404: false,
    pagesOpenUploads: true,
    listsOpenUploadsByPrefix: true,
    versioning: true,
    lifecycle: false,
  },
  /** The core of S3 and nothing else. */
  bare: {
    ...SIMULATED,
    name: 'simulated bare store',
    putIfNoneMatch: false,
    completeIfNoneMatch: false,
    fullObjectChecksums: [],
    contentMd5: false,
    completeIdempotent: false,
    completeReturnsEtag: true,
    verifiesObjectSize: false,
    refusesPartOrder: true,
    equalParts: true,
    copyIgnores: ['if-match'],
    refusesUnsignedHeaders: false,
    refusesCutBodies: true,
    unknownUploadIs404: true,
    pagesOpenUploads: true,
    listsOpenUploadsByPrefix: true,
    versioning: false,
    lifecycle: false,
  },
} satisfies Record<string, StoreProfile>;

/** Names of {@link STORE_TRAITS}. */
export type StoreTraitsName = keyof typeof STORE_TRAITS;
