import type { UploadRecord } from '../../ports/upload-record.ts';

/** Object key of a node before it was ever rotated: that of its upload. */
export function baseKeyOf({ s3Key, generation = 0 }: Pick<UploadRecord, 's3Key' | 'generation'>): string {
  return generation === 0 ? s3Key : s3Key.slice(0, -`.${generation}`.length);
}
