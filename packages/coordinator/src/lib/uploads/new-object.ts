import type { NewObject } from '../ports/object-store.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import { objectMetadata } from './object-metadata.ts';

/** What the store is told of an upload's object when it is begun. */
export function newObjectOf(record: UploadRecord): NewObject {
  const { s3Key: key, contentType, encryption, objectOptions } = record;
  return {
    key,
    contentType,
    metadata: objectMetadata(record),
    ...(encryption && { encryption }),
    ...(objectOptions && { objectOptions }),
  };
}
