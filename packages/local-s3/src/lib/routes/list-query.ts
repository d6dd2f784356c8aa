import type { S3Request } from '../http/s3-request.ts';
import { queryValue } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';

/** What all listings ask for in the same way. */
export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** Writes keys the way the client wants them. */
  readonly encode: (text: string) => string;
  readonly encodingType: 'url' | undefined;
}

/** Reads it; throws InvalidArgument for an unknown encoding. */
export function readListQuery(request: S3Request): ListQuery {
  const encodingType = queryValue(request, 'encoding-type');
  if (encodingType !== undefined && encodingType !== 'url') {
    throw new S3Error('InvalidArgument', {
      message: 'Invalid Encoding Method specified in Request',
      details: { ArgumentName: 'encoding-type', ArgumentValue: encodingType },
    });
  }
  return {
    prefix: queryValue(request, 'prefix') ?? '',
    delimiter: queryValue(request, 'delimiter') ?? '',
    encode: encodingType === 'url' ? encodeKey : (text) => text,
    encodingType,
  };
}

function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/');
}
