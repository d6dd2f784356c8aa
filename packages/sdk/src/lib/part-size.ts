import { MIN_PART_SIZE_BYTES } from '@longhaul/protocol';

const MEBIBYTE = 1024 ** 2;

/**
 * The part size to ask for: enough parts to keep every connection busy twice over, none smaller than S3 allows, none
 * larger than what measured best. The coordinator's plan decides.
 */
export function wishPartSize(sizeBytes: number, concurrency: number, maxPartSizeBytes: number): number {
  const evenBytes = Math.floor(sizeBytes / (2 * concurrency) / MEBIBYTE) * MEBIBYTE;
  return Math.min(maxPartSizeBytes, Math.max(MIN_PART_SIZE_BYTES, evenBytes));
}
