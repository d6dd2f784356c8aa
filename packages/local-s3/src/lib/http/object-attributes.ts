import { S3Error } from '../s3-error.ts';
import { MAX_METADATA_BYTES } from '../s3-limits.ts';
import type { ObjectAttributes } from '../store/versions.ts';
import { encryptionHeaders, readEncryption } from './encryption.ts';
import type { S3Request } from './s3-request.ts';
import { hoistedHeaders } from './s3-request.ts';

const META = 'x-amz-meta-';
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';

/** Headers that S3 keeps with an object and shows again. */
const KEPT_HEADERS: readonly string[] = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** Reads what is kept with an object; throws MetadataTooLarge. */
export function readAttributes(request: S3Request): ObjectAttributes {
  const headers: Record<string, string> = { 'content-type': DEFAULT_CONTENT_TYPE };
  for (const name of KEPT_HEADERS) {
    const value = request.headers.get(name);
    const kept = name === 'content-encoding' ? withoutAwsChunked(value) : value;
    if (kept !== null && kept !== '') headers[name] = kept;
  }
  const encryption = readEncryption(request);
  return { headers, metadata: readMetadata(request), ...(encryption && { encryption }) };
}

/** Shows them again. */
export function attributeHeaders({
  headers,
  metadata,
  encryption,
}: ObjectAttributes): Record<string, string> {
  const shown = Object.entries(metadata).map(([name, value]) => [`${META}${name}`, value]);
  return { ...headers, ...Object.fromEntries(shown), ...encryptionHeaders(encryption) };
}

function readMetadata(request: S3Request): Record<string, string> {
  const metadata: Record<string, string> = {};
  let sizeBytes = 0;
  for (const [name, value] of [...hoistedHeaders(request), ...request.headers]) {
    if (!name.startsWith(META)) continue;
    metadata[name.slice(META.length)] = value;
    sizeBytes += name.length - META.length + value.length;
  }
  if (sizeBytes <= MAX_METADATA_BYTES) return metadata;
  const details = { Size: String(sizeBytes), MaxSizeAllowed: String(MAX_METADATA_BYTES) };
  throw new S3Error('MetadataTooLarge', { details });
}

/** `aws-chunked` is how the body travelled, not what it is. */
function withoutAwsChunked(encoding: string | null): string | null {
  if (encoding === null) return null;
  const codings = encoding.split(',').map((coding) => coding.trim());
  return codings.filter((coding) => coding !== 'aws-chunked').join(', ');
}
