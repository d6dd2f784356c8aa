import type { ObjectLockMode, StorageClass } from '@aws-sdk/client-s3';
import type { ObjectOptions } from '@longhaul/protocol';

/** Parameters of the SDK for what the store keeps with an object. */
interface ObjectOptionsInput {
  StorageClass?: StorageClass;
  Tagging?: string;
  CacheControl?: string;
  ContentDisposition?: string;
  ContentEncoding?: string;
  ObjectLockMode?: ObjectLockMode;
  ObjectLockRetainUntilDate?: Date;
  ObjectLockLegalHoldStatus?: 'ON' | 'OFF';
}

/** Parameters of the SDK for what the store keeps with an object. */
export function objectOptionsInput(options: ObjectOptions = {}): ObjectOptionsInput {
  const { storageClass, tags, cacheControl, contentDisposition, contentEncoding, objectLock = {} } = options;
  const { mode, retainUntil, legalHold } = objectLock;
  return {
    ...(storageClass !== undefined && { StorageClass: storageClass as StorageClass }),
    ...(tags && { Tagging: tagging(tags) }),
    ...(cacheControl !== undefined && { CacheControl: cacheControl }),
    ...(contentDisposition !== undefined && { ContentDisposition: contentDisposition }),
    ...(contentEncoding !== undefined && { ContentEncoding: contentEncoding }),
    ...(mode && { ObjectLockMode: mode }),
    ...(retainUntil !== undefined && { ObjectLockRetainUntilDate: new Date(retainUntil) }),
    ...(legalHold !== undefined && { ObjectLockLegalHoldStatus: legalHold ? 'ON' : 'OFF' }),
  };
}

/** The same as headers of a presigned request. */
export function objectOptionHeaders(options: ObjectOptions | undefined): Record<string, string> {
  const input = objectOptionsInput(options);
  const headers = {
    'x-amz-storage-class': input.StorageClass,
    'x-amz-tagging': input.Tagging,
    'cache-control': input.CacheControl,
    'content-disposition': input.ContentDisposition,
    'content-encoding': input.ContentEncoding,
    'x-amz-object-lock-mode': input.ObjectLockMode,
    'x-amz-object-lock-retain-until-date': input.ObjectLockRetainUntilDate?.toISOString(),
    'x-amz-object-lock-legal-hold': input.ObjectLockLegalHoldStatus,
  };
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** As the query of a URL has it. */
function tagging(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}
