import { S3Error } from '../s3-error.ts';
import { writeXml } from '../xml.ts';

/** Turns whatever was thrown into the answer that S3 gives: the only place that does. */
export function errorAnswer(
  error: unknown,
  request: { readonly method: string; readonly resource: string; readonly requestId: string },
): Response {
  const known = error instanceof S3Error ? error : unexpected(error);
  const headers = { 'content-type': 'application/xml', ...known.headers };
  if (request.method === 'HEAD') return new Response(null, { status: known.status, headers });
  const body = writeXml('Error', {
    Code: known.code,
    Message: known.message,
    ...known.details,
    Resource: request.resource,
    RequestId: request.requestId,
    HostId: 'local-s3',
  });
  return new Response(body, { status: known.status, headers });
}

/** Unlike Amazon this server tells what went wrong: a full disk, a folder without permission. */
function unexpected(cause: unknown): S3Error {
  return new S3Error('InternalError', { details: { Cause: String(cause) }, cause });
}
