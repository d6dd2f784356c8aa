import { isoTime, quoted, xmlAnswer } from '../http/answers.ts';
import type { S3Call } from '../http/s3-call.ts';
import { bucketOfCall, numberFromQuery } from '../http/s3-call.ts';
import type { S3Request } from '../http/s3-request.ts';
import { queryValue } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';
import { LIST_PAGE_SIZE } from '../s3-limits.ts';
import type { Bucket } from '../store/store.ts';
import type { ObjectVersion } from '../store/versions.ts';
import { visibleObject } from '../store/versions.ts';
import type { XmlObject } from '../xml.ts';
import { OWNER } from './buckets.ts';
import type { Page } from './list-page.ts';
import { compareKeys, cutPage } from './list-page.ts';
import { readListQuery } from './list-query.ts';

interface Entry {
  readonly key: string;
  readonly object: ObjectVersion;
}

/** ListObjectsV2. */
export async function handleListObjects(call: S3Call): Promise<Response> {
  const { request } = call;
  const bucket = bucketOfCall(call);
  refuseOtherListType(request);
  const { prefix, delimiter, encode, encodingType } = readListQuery(request);
  const maxKeys = numberFromQuery(request, 'max-keys', { fallback: LIST_PAGE_SIZE, max: LIST_PAGE_SIZE });
  const token = queryValue(request, 'continuation-token');
  const startAfter = queryValue(request, 'start-after');
  const afterKey = token === undefined ? (startAfter ?? '') : readToken(token);
  const page = cutPage(visibleEntries(bucket), { prefix, delimiter, afterKey, limit: maxKeys });
  const fetchOwner = queryValue(request, 'fetch-owner') === 'true';
  return xmlAnswer('ListBucketResult', {
    Name: bucket.name,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    MaxKeys: maxKeys,
    EncodingType: encodingType,
    KeyCount: page.entries.length + page.commonPrefixes.length,
    IsTruncated: page.next !== undefined,
    ContinuationToken: token,
    NextContinuationToken: nextToken(page),
    StartAfter: startAfter === undefined ? undefined : encode(startAfter),
    Contents: page.entries.map(({ key, object }) => ({
      ...describe(object),
      Key: encode(key),
      Owner: fetchOwner ? OWNER : undefined,
    })),
    CommonPrefixes: page.commonPrefixes.map((text) => ({ Prefix: encode(text) })),
  });
}

/** ListObjects of 2006 is not here; its successor has been since 2016. */
function refuseOtherListType(request: S3Request): void {
  const listType = queryValue(request, 'list-type');
  if (listType === '2') return;
  throw new S3Error('InvalidArgument', {
    message: 'Invalid List Type specified in Request',
    details: { ArgumentName: 'list-type', ArgumentValue: listType ?? '' },
  });
}

/** What listings show of an object. */
export function describe(object: ObjectVersion): XmlObject {
  return {
    LastModified: isoTime(object.lastModifiedEpochMs),
    ETag: quoted(object.etag),
    ChecksumAlgorithm: object.checksum?.algorithm,
    ChecksumType: object.checksum?.type,
    Size: object.sizeBytes,
    StorageClass: 'STANDARD',
  };
}

function visibleEntries(bucket: Bucket): readonly Entry[] {
  return [...bucket.objects]
    .flatMap(([key, versions]) => {
      const object = visibleObject(versions);
      return object === undefined ? [] : [{ key, object }];
    })
    .toSorted((a, b) => compareKeys(a.key, b.key));
}

function nextToken({ next }: Page<Entry>): string | undefined {
  return next === undefined ? undefined : Buffer.from(next.key).toString('base64url');
}

function readToken(token: string): string {
  const after = Buffer.from(token, 'base64url');
  if (after.length > 0 && after.toString('base64url') === token) return after.toString('utf8');
  throw new S3Error('InvalidArgument', {
    message: 'The continuation token provided is incorrect',
    details: { ArgumentName: 'continuation-token' },
  });
}
