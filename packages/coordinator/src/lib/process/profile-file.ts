import { OBJECT_OPTION_NAMES } from '@longhaul/protocol';
import * as v from 'valibot';
import type { StoreProfile } from '../ports/store-profile.ts';
import { ConfigError } from './config.ts';
import { readNamedFile } from './file-problem.ts';

const flag = v.boolean();
const count = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Every member of a profile; members that this program does not know are those of a newer one, and ignored. */
const PROFILE = v.object({
  name: v.string(),
  proven: v.picklist(['contract-suite', 'documents', 'doctor']),
  source: v.string(),
  putIfNoneMatch: flag,
  completeIfNoneMatch: flag,
  fullObjectChecksums: v.array(v.picklist(['CRC32', 'CRC32C', 'CRC64NVME'])),
  contentMd5: flag,
  completeIdempotent: flag,
  completeReturnsEtag: flag,
  verifiesObjectSize: flag,
  refusesPartOrder: flag,
  refusesUnsignedHeaders: flag,
  equalParts: flag,
  refusesCutBodies: flag,
  unknownUploadIs404: flag,
  pagesOpenUploads: flag,
  listsOpenUploadsByPrefix: flag,
  objectOptions: v.array(v.picklist(OBJECT_OPTION_NAMES)),
  versioning: flag,
  lifecycle: flag,
  encryption: v.array(v.picklist(['sse-s3', 'sse-kms', 'sse-c'])),
  ssecBlind: flag,
  ssecCopy: flag,
  presignedCreateMetadata: flag,
  stableEtags: flag,
  abortAfterDays: v.exactOptional(count),
  maxObjectSizeBytes: v.exactOptional(count),
  maxCopySizeBytes: v.exactOptional(count),
  copyIgnores: v.exactOptional(v.array(v.picklist(['if-match', 'checksum']))),
  requestsPerSecond: v.exactOptional(count),
  http2: v.exactOptional(flag),
});

/** Reads a profile that the doctor has written. @throws ConfigError saying what is wrong with the file */
export async function readProfileFile(path: string): Promise<StoreProfile> {
  const problem = (what: string): ConfigError => new ConfigError([`S3_PROFILE_FILE=${path} ${what}`]);
  const text = await readNamedFile('S3_PROFILE_FILE', path);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw problem('holds no JSON: write it again by longhaul-coordinator doctor --write-profile');
  }
  const result = v.safeParse(PROFILE, given);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw problem(`is no profile: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}
