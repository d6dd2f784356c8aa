import { checksumHeaders, readBodyClaims } from '../body/body-claims.ts';
import type { BodyClaims } from '../body/body-claims.ts';
import { receiveBody } from '../body/receive-body.ts';
import { S3Error } from '../s3-error.ts';
import { MAX_XML_BYTES } from '../s3-limits.ts';
import type { ByteWriter } from '../storage/storage.ts';
import type { ParsedXml } from '../xml.ts';
import { readXml } from '../xml.ts';
import type { S3Call } from './s3-call.ts';

interface DocumentOptions {
  readonly root: string;
  /** The checksum headers speak of the object, not of this document. */
  readonly checksumIsOfObject?: boolean;
}

/** Children of the root of the XML document in the body; throws MalformedXML. */
export async function readDocument(call: S3Call, options: DocumentOptions): Promise<ParsedXml> {
  const content = readXml(await readText(call, options), options.root);
  if (content === undefined) throw new S3Error('MalformedXML');
  return content;
}

/** Like {@link readDocument}; `undefined` for an empty body. */
export async function readOptionalDocument(
  call: S3Call,
  options: DocumentOptions,
): Promise<ParsedXml | undefined> {
  const text = await readText(call, options);
  if (text === '') return undefined;
  const content = readXml(text, options.root);
  if (content === undefined) throw new S3Error('MalformedXML');
  return content;
}

async function readText(call: S3Call, { checksumIsOfObject = false }: DocumentOptions): Promise<string> {
  const claims = claimsOf(call, checksumIsOfObject);
  if (claims.sizeBytes > MAX_XML_BYTES) throw new S3Error('MaxMessageLengthExceeded');
  const chunks: Uint8Array[] = [];
  await receiveBody(call.request.body, { claims, writer: collectInto(chunks) });
  return Buffer.concat(chunks).toString('utf8');
}

function claimsOf({ request, payloadHash }: S3Call, checksumIsOfObject: boolean): BodyClaims {
  const withLength = { ...request, headers: withContentLength(request.headers) };
  if (!checksumIsOfObject || checksumHeaders(request).length === 0)
    return readBodyClaims(withLength, payloadHash);
  const { checksum: _ofObject, ...claims } = readBodyClaims(withLength, payloadHash);
  return claims;
}

/** Requests without a body often come without a length, too. */
function withContentLength(headers: Headers): Headers {
  if (headers.has('content-length') || headers.has('transfer-encoding')) return headers;
  const completed = new Headers(headers);
  completed.set('content-length', '0');
  return completed;
}

function collectInto(chunks: Uint8Array[]): ByteWriter {
  return {
    write: async (bytes) => {
      chunks.push(new Uint8Array(bytes));
    },
    finish: async () => ({ file: '', offsetBytes: 0, sizeBytes: 0 }),
    discard: async () => {},
  };
}
