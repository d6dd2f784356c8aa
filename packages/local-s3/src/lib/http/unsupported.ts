import { CHECKSUM_ALGORITHMS, checksumHeader } from '../checksums/algorithms.ts';
import { notImplemented } from '../s3-error.ts';
import { COPY_HEADERS } from './copy-source.ts';
import { ENCRYPTION_HEADERS } from './encryption.ts';
import type { S3Request } from './s3-request.ts';
import { hoistedHeaders } from './s3-request.ts';

/** Every `x-amz-*` header that means something here. Any other asks for something that is not there. */
const SUPPORTED_HEADERS: ReadonlySet<string> = new Set([
  ...CHECKSUM_ALGORITHMS.map(checksumHeader),
  ...COPY_HEADERS,
  ...ENCRYPTION_HEADERS,
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-mp-object-size',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-trailer',
  'x-amz-user-agent',
]);

/** Throws NotImplemented for a header whose meaning would otherwise be dropped without a word. */
export function refuseUnsupportedHeaders(request: S3Request): void {
  const names = [...request.headers.keys(), ...hoistedHeaders(request).keys()];
  const unsupported = names.find(
    (name) => name.startsWith('x-amz-') && !name.startsWith('x-amz-meta-') && !SUPPORTED_HEADERS.has(name),
  );
  if (unsupported !== undefined) throw notImplemented(unsupported);
}

/** Conditions of a write: only `If-None-Match: *`, and only where S3 takes it. Tells whether it is there. */
export function readWriteCondition(request: S3Request): boolean {
  const condition = request.headers.get('if-none-match');
  if (request.headers.has('if-match')) throw notImplemented('If-Match');
  if (condition !== null && condition !== '*') throw notImplemented('If-None-Match');
  return condition === '*';
}

/** For writes that S3 does not make conditional: Create and UploadPart. */
export function refuseWriteCondition(request: S3Request): void {
  if (readWriteCondition(request)) throw notImplemented('If-None-Match');
}
