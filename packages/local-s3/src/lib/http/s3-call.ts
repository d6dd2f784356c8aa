import { S3Error } from '../s3-error.ts';
import type { ObjectTarget } from '../store/objects.ts';
import type { Bucket, Store } from '../store/store.ts';
import { bucketOf } from '../store/store.ts';
import type { UploadTarget } from '../store/uploads.ts';
import type { S3Request } from './s3-request.ts';
import { queryValue } from './s3-request.ts';

/** A request that was let in, with all that an operation needs. */
export interface S3Call {
  readonly store: Store;
  readonly request: S3Request;
  /** What the signature says of the body. */
  readonly payloadHash: string;
}

/** An operation of S3. */
export type S3Operation = (call: S3Call) => Promise<Response>;

/** The bucket of the request, or NoSuchBucket. */
export function bucketOfCall({ store, request }: S3Call): Bucket {
  return bucketOf(store, request.bucket ?? '');
}

/** The key of the request in its bucket, or NoSuchBucket. */
export function objectOfCall(call: S3Call): ObjectTarget {
  return { bucket: bucketOfCall(call), key: call.request.key ?? '' };
}

/** The upload that the request names, or NoSuchBucket. */
export function uploadOfCall(call: S3Call): UploadTarget {
  return { ...objectOfCall(call), uploadId: queryValue(call.request, 'uploadId') ?? '' };
}

/** A whole number from the query, not below 0, capped; `fallback` where it is absent. */
export function numberFromQuery(
  request: S3Request,
  name: string,
  { fallback, max }: { readonly fallback: number; readonly max: number },
): number {
  const text = queryValue(request, name);
  if (text === undefined || text === '') return fallback;
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text), max);
  throw new S3Error('InvalidArgument', {
    message: `Provided ${name} not an integer or within integer range`,
    details: { ArgumentName: name, ArgumentValue: text },
  });
}
