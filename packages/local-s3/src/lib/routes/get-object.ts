import { attributeHeaders } from '../http/object-attributes.ts';
import { httpTime, quoted } from '../http/answers.ts';
import { refuseOtherReader } from '../http/encryption.ts';
import type { S3Call } from '../http/s3-call.ts';
import { objectOfCall } from '../http/s3-call.ts';
import { amzHeader, queryValue } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';
import type { ObjectTarget } from '../store/objects.ts';
import type { DeleteMarker, ObjectVersion } from '../store/versions.ts';
import type { ByteRange } from './byte-range.ts';
import { parseRange } from './byte-range.ts';
import { checksumHeaders } from './put-object.ts';
import { isNotModified } from './read-conditions.ts';

/** GetObject and HeadObject: one answer, with the bytes or without. */
export async function handleGetObject(call: S3Call): Promise<Response> {
  const { request, store } = call;
  const target = objectOfCall(call);
  const object = findObject(call, target);
  refuseOtherReader(object.encryption, request);
  const range = parseRange(request.headers.get('range'), object.sizeBytes);
  const headers = objectHeaders(call, target, object);
  if (isNotModified(request.headers, object)) return new Response(null, { status: 304, headers });

  const { start, end } = range ?? { start: 0, end: object.sizeBytes };
  const hasBody = request.method === 'GET' && end > start;
  return new Response(hasBody ? store.storage.readBytes(object.bytes, start, end) : null, {
    status: range === undefined ? 200 : 206,
    headers: { ...headers, ...lengthHeaders(object, range), ...checksumIfAsked(call, object, range) },
  });
}

function findObject({ request }: S3Call, { bucket, key }: ObjectTarget): ObjectVersion {
  const versions = bucket.objects.get(key) ?? [];
  const versionId = queryValue(request, 'versionId');
  const found =
    versionId === undefined ? versions[0] : versions.find((version) => version.versionId === versionId);
  if (found?.kind === 'object') return found;
  if (found?.kind === 'marker') throw hiddenByMarker(found, key, versionId);
  if (versionId === undefined) throw new S3Error('NoSuchKey', { details: { Key: key } });
  throw new S3Error('NoSuchVersion', { details: { Key: key, VersionId: versionId } });
}

function hiddenByMarker(marker: DeleteMarker, key: string, askedVersionId: string | undefined): S3Error {
  const headers = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.versionId };
  if (askedVersionId === undefined) return new S3Error('NoSuchKey', { details: { Key: key }, headers });
  return new S3Error('MethodNotAllowed', {
    details: { Method: 'GET', ResourceType: 'DeleteMarker' },
    headers: { ...headers, allow: 'DELETE' },
  });
}

/** Parameters by which a signer of a GET says how the answer is to be labelled. */
const RESPONSE_OVERRIDES: readonly string[] = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

function objectHeaders(
  { request }: S3Call,
  { bucket }: ObjectTarget,
  object: ObjectVersion,
): Record<string, string> {
  const overrides = RESPONSE_OVERRIDES.flatMap((name) => {
    const value = queryValue(request, `response-${name}`);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...attributeHeaders(object),
    ...Object.fromEntries(overrides),
    etag: quoted(object.etag),
    'last-modified': httpTime(object.lastModifiedEpochMs),
    'accept-ranges': 'bytes',
    ...(bucket.versioning !== undefined && { 'x-amz-version-id': object.versionId }),
  };
}

function lengthHeaders({ sizeBytes }: ObjectVersion, range: ByteRange | undefined): Record<string, string> {
  if (range === undefined) return { 'content-length': String(sizeBytes) };
  const { start, end } = range;
  return {
    'content-length': String(end - start),
    'content-range': `bytes ${start}-${end - 1}/${sizeBytes}`,
  };
}

/** The checksum speaks of the whole: with a range it would only mislead. */
function checksumIfAsked(
  { request }: S3Call,
  object: ObjectVersion,
  range: ByteRange | undefined,
): Record<string, string> {
  const isAsked = amzHeader(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED';
  return isAsked && range === undefined ? checksumHeaders(object.checksum) : {};
}
