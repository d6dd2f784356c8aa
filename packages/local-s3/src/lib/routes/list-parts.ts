import { isoTime, quoted, xmlAnswer } from '../http/answers.ts';
import type { S3Call } from '../http/s3-call.ts';
import { numberFromQuery, uploadOfCall } from '../http/s3-call.ts';
import { LIST_PAGE_SIZE } from '../s3-limits.ts';
import type { Part } from '../store/upload.ts';
import { uploadOf } from '../store/uploads.ts';
import type { XmlObject } from '../xml.ts';
import { OWNER } from './buckets.ts';
import { readListQuery } from './list-query.ts';

/** ListParts. */
export async function handleListParts(call: S3Call): Promise<Response> {
  const { store, request } = call;
  const target = uploadOfCall(call);
  const upload = uploadOf(store, target);
  const { encode } = readListQuery(request);
  const maxParts = numberFromQuery(request, 'max-parts', { fallback: LIST_PAGE_SIZE, max: LIST_PAGE_SIZE });
  const marker = numberFromQuery(request, 'part-number-marker', {
    fallback: 0,
    max: Number.MAX_SAFE_INTEGER,
  });
  const behind = [...upload.parts.values()]
    .filter((part) => part.partNumber > marker)
    .toSorted((a, b) => a.partNumber - b.partNumber);
  const page = behind.slice(0, maxParts);
  return xmlAnswer('ListPartsResult', {
    Bucket: target.bucket.name,
    Key: encode(upload.key),
    UploadId: upload.uploadId,
    Initiator: OWNER,
    Owner: OWNER,
    StorageClass: 'STANDARD',
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
    MaxParts: maxParts,
    IsTruncated: behind.length > page.length,
    ChecksumAlgorithm: upload.checksum?.algorithm,
    ChecksumType: upload.checksum?.type,
    Part: page.map(show),
  });
}

function show(part: Part): XmlObject {
  return {
    PartNumber: part.partNumber,
    LastModified: isoTime(part.lastModifiedEpochMs),
    ETag: quoted(part.etag),
    Size: part.sizeBytes,
    ...(part.checksum !== undefined && { [`Checksum${part.checksum.algorithm}`]: part.checksum.value }),
  };
}
