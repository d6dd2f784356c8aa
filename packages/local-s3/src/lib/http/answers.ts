import type { XmlObject } from '../xml.ts';
import { S3_NAMESPACE, writeXml } from '../xml.ts';

/** An answer with an XML document. */
export function xmlAnswer(
  root: string,
  content: XmlObject,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(writeXml(root, content, S3_NAMESPACE), {
    headers: { 'content-type': 'application/xml', ...headers },
  });
}

/** An answer without a body. */
export function emptyAnswer(status: 200 | 204, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers });
}

/** ETags are quoted wherever S3 shows them. */
export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** A time as XML documents show it. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** A time as HTTP headers show it. */
export function httpTime(epochMs: number): string {
  return new Date(epochMs).toUTCString();
}
