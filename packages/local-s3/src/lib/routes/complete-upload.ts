import { checksumHeaders } from '../body/body-claims.ts';
import type { ChecksumAlgorithm } from '../checksums/algorithms.ts';
import { CHECKSUM_ALGORITHMS } from '../checksums/algorithms.ts';
import { quoted, xmlAnswer } from '../http/answers.ts';
import { readDocument } from '../http/read-document.ts';
import type { S3Call } from '../http/s3-call.ts';
import { uploadOfCall } from '../http/s3-call.ts';
import type { S3Request } from '../http/s3-request.ts';
import { amzHeader } from '../http/s3-request.ts';
import { readWriteCondition } from '../http/unsupported.ts';
import { S3Error } from '../s3-error.ts';
import { MAX_PART_NUMBER } from '../s3-limits.ts';
import { completeUpload } from '../store/complete-upload.ts';
import type { CompletionRequest, ListedPart } from '../store/completion-rules.ts';
import { elementsOf, isParsed, textOf } from '../xml.ts';

/** CompleteMultipartUpload. */
export async function handleCompleteUpload(call: S3Call): Promise<Response> {
  const { store, request } = call;
  const target = uploadOfCall(call);
  const completion = await readCompletion(call);
  const { etag, versionId, checksum } = await completeUpload(store, target, completion);
  const location = `http://${request.headers.get('host') ?? 'localhost'}${request.rawPath}`;
  return xmlAnswer(
    'CompleteMultipartUploadResult',
    {
      Location: location,
      Bucket: target.bucket.name,
      Key: target.key,
      ETag: quoted(etag),
      ...(checksum !== undefined && {
        [`Checksum${checksum.algorithm}`]: checksum.value,
        ChecksumType: checksum.type,
      }),
    },
    { ...(versionId !== undefined && { 'x-amz-version-id': versionId }) },
  );
}

async function readCompletion(call: S3Call): Promise<CompletionRequest> {
  const { request } = call;
  const mustBeNew = readWriteCondition(request);
  const [checksum] = checksumHeaders(request);
  const checksumType = readChecksumType(request);
  const sizeBytes = readObjectSize(request);
  const document = await readDocument(call, { root: 'CompleteMultipartUpload', checksumIsOfObject: true });
  const parts = elementsOf(document, 'Part').map(readPart);
  if (parts.length === 0 || parts.length > MAX_PART_NUMBER) throw new S3Error('MalformedXML');
  return {
    parts,
    mustBeNew,
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(checksum !== undefined && { checksum }),
    ...(checksumType !== undefined && { checksumType }),
  };
}

function readPart(element: unknown): ListedPart {
  const number = isParsed(element) ? textOf(element, 'PartNumber') : undefined;
  const etag = isParsed(element) ? textOf(element, 'ETag') : undefined;
  if (!isParsed(element) || etag === undefined || number === undefined || !/^\d{1,9}$/.test(number)) {
    throw new S3Error('MalformedXML');
  }
  const checksums = new Map<ChecksumAlgorithm, string>();
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = textOf(element, `Checksum${algorithm}`);
    if (value !== undefined) checksums.set(algorithm, value);
  }
  return { partNumber: Number(number), etag: etag.replace(/^"(.*)"$/, '$1'), checksums };
}

function readObjectSize(request: S3Request): number | undefined {
  const text = amzHeader(request, 'x-amz-mp-object-size');
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error('InvalidRequest', { message: 'Value for x-amz-mp-object-size header is invalid.' });
}

function readChecksumType(request: S3Request): CompletionRequest['checksumType'] {
  const type = amzHeader(request, 'x-amz-checksum-type')?.toUpperCase();
  if (type === undefined || type === 'FULL_OBJECT' || type === 'COMPOSITE') return type;
  throw new S3Error('InvalidRequest', { message: 'Value for x-amz-checksum-type header is invalid.' });
}
