import { isoTime, xmlAnswer } from '../http/answers.ts';
import type { S3Call } from '../http/s3-call.ts';
import { bucketOfCall, numberFromQuery } from '../http/s3-call.ts';
import { queryValue } from '../http/s3-request.ts';
import { LIST_PAGE_SIZE } from '../s3-limits.ts';
import type { Bucket } from '../store/store.ts';
import type { Upload } from '../store/upload.ts';
import { OWNER } from './buckets.ts';
import { compareKeys, cutPage } from './list-page.ts';
import { readListQuery } from './list-query.ts';

/** ListMultipartUploads. */
export async function handleListUploads(call: S3Call): Promise<Response> {
  const { request } = call;
  const bucket = bucketOfCall(call);
  const { prefix, delimiter, encode, encodingType } = readListQuery(request);
  const limit = numberFromQuery(request, 'max-uploads', { fallback: LIST_PAGE_SIZE, max: LIST_PAGE_SIZE });
  const afterKey = queryValue(request, 'key-marker') ?? '';
  const afterId = queryValue(request, 'upload-id-marker') ?? '';
  const page = cutPage(
    sortedUploads(bucket),
    { prefix, delimiter, afterKey, limit },
    (upload) => afterId !== '' && upload.uploadId > afterId,
  );
  const { next } = page;
  return xmlAnswer('ListMultipartUploadsResult', {
    Bucket: bucket.name,
    KeyMarker: encode(afterKey),
    UploadIdMarker: afterId,
    NextKeyMarker: encode(next?.key ?? ''),
    NextUploadIdMarker: next?.entry?.uploadId ?? '',
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    Prefix: encode(prefix),
    EncodingType: encodingType,
    MaxUploads: limit,
    IsTruncated: next !== undefined,
    Upload: page.entries.map((upload) => ({
      Key: encode(upload.key),
      UploadId: upload.uploadId,
      Initiator: OWNER,
      Owner: OWNER,
      StorageClass: 'STANDARD',
      Initiated: isoTime(upload.initiatedEpochMs),
      ChecksumAlgorithm: upload.checksum?.algorithm,
      ChecksumType: upload.checksum?.type,
    })),
    CommonPrefixes: page.commonPrefixes.map((text) => ({ Prefix: encode(text) })),
  });
}

/** By key, then by time: an upload's id begins with the time of its creation. */
function sortedUploads(bucket: Bucket): readonly Upload[] {
  return [...bucket.uploads.values()].toSorted(
    (a, b) => compareKeys(a.key, b.key) || (a.uploadId < b.uploadId ? -1 : 1),
  );
}
