import { S3Error } from '../s3-error.ts';
import { bucketOf } from '../store/store.ts';
import type { ObjectVersion } from '../store/versions.ts';
import { quoted } from './answers.ts';
import { refuseOtherSourceReader } from './encryption.ts';
import type { S3Call } from './s3-call.ts';
import type { S3Request } from './s3-request.ts';

const COPY_SOURCE = 'x-amz-copy-source';

/** Headers that a copy understands beside those of its source's key. */
export const COPY_HEADERS: readonly string[] = [
  COPY_SOURCE,
  `${COPY_SOURCE}-range`,
  `${COPY_SOURCE}-if-match`,
  'x-amz-metadata-directive',
];

/** Whether the bytes are those of another object. */
export function isCopy(request: S3Request): boolean {
  return request.headers.has(COPY_SOURCE);
}

/** The object that is to be copied; throws what S3 answers when it may not be. */
export function sourceOfCall({ store, request }: S3Call): ObjectVersion {
  const { bucket, key, versionId } = readCopySource(request.headers.get(COPY_SOURCE) ?? '');
  const versions = bucketOf(store, bucket).objects.get(key) ?? [];
  const found =
    versionId === undefined ? versions[0] : versions.find((version) => version.versionId === versionId);
  if (found?.kind !== 'object') throw new S3Error('NoSuchKey', { details: { Key: key } });
  refuseOtherSourceReader(found.encryption, request);
  const condition = request.headers.get(`${COPY_SOURCE}-if-match`);
  if (condition !== null && ![found.etag, quoted(found.etag)].includes(condition))
    throw new S3Error('PreconditionFailed', { details: { Condition: `${COPY_SOURCE}-If-Match` } });
  return found;
}

/** The stretch of the source that becomes a part: all of it where none is named. */
export function rangeOfCall(
  { request }: S3Call,
  { sizeBytes }: ObjectVersion,
): { readonly start: number; readonly end: number } {
  const header = request.headers.get(`${COPY_SOURCE}-range`);
  if (header === null) return { start: 0, end: sizeBytes };
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header) ?? [];
  const [start, end] = [Number(first), Number(last) + 1];
  if (first !== undefined && start < end && end <= sizeBytes) return { start, end };
  throw new S3Error('InvalidArgument', {
    message: 'The x-amz-copy-source-range value must be of the form bytes=first-last, within the source',
    details: { ArgumentName: `${COPY_SOURCE}-range`, ArgumentValue: header },
  });
}

function readCopySource(header: string): {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
} {
  const [path = '', query = ''] = header.replace(/^\//, '').split('?');
  const [, bucket, key] = /^([^/]+)\/(.+)$/.exec(path) ?? [];
  const versionId = new URLSearchParams(query).get('versionId');
  if (bucket !== undefined && key !== undefined) {
    return { bucket, key: decoded(key), ...(versionId !== null && { versionId }) };
  }
  throw new S3Error('InvalidArgument', {
    message: 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    details: { ArgumentName: COPY_SOURCE, ArgumentValue: header },
  });
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch (cause) {
    throw new S3Error('InvalidArgument', {
      details: { ArgumentName: COPY_SOURCE, ArgumentValue: key },
      cause,
    });
  }
}
