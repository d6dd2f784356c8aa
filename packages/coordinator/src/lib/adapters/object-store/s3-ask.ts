import { S3RequestPresigner } from '@aws-sdk/s3-request-presigner';
import type { ProbeAnswer } from '../../ports/bucket-probe.ts';
import type { S3Connection } from './s3-client.ts';
import { encodeKey } from './s3-presign.ts';

/** One request that is to be answered as it is. */
export interface Question {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS';
  /** Empty: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Lower-case names; all of them are signed. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent beside the signature. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** Sends it without any signature. */
  readonly anonymous?: boolean;
}

/** Signs a request as grants are signed, sends it once and answers what came; it never rejects. */
export type Ask = (question: Question) => Promise<ProbeAnswer>;

const ANSWER_TIMEOUT_MS = 20_000;
const EXPIRES_IN_SECONDS = 300;

/**
 * Asks by `fetch` and presigned URLs, because that is how clients reach the store; and because the SDK would repeat,
 * translate and correct what shall be seen.
 */
export function createAsk({ client, region }: S3Connection, bucketUrl: string): Ask {
  const { credentials, sha256 } = client.config;
  const presigner = new S3RequestPresigner({ credentials, region, sha256 });
  const base = new URL(bucketUrl);
  const basePath = base.pathname.replace(/\/$/, '');

  const urlOf = async ({
    method,
    key = '',
    query = {},
    headers = {},
    anonymous,
  }: Question): Promise<string> => {
    const path = `${basePath}/${encodeKey(key)}`;
    if (anonymous) return `${base.origin}${path}${toSearch(query)}`;
    const { protocol, hostname, port } = base;
    const signed = await presigner.presign(
      {
        protocol,
        hostname,
        ...(port && { port: Number(port) }),
        method,
        path,
        query: { ...query },
        headers: { ...headers },
      },
      {
        expiresIn: EXPIRES_IN_SECONDS,
        signableHeaders: new Set(['content-type']),
        unhoistableHeaders: new Set(Object.keys(headers)),
      },
    );
    return `${base.origin}${path}${toSearch(signed.query ?? {})}`;
  };

  return async (question) => {
    const beganAtEpochMs = Date.now();
    try {
      const response = await fetch(await urlOf(question), {
        method: question.method,
        headers: { ...headersToSend(question.headers), ...question.unsignedHeaders },
        ...(question.body !== undefined && { body: question.body }),
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      return readAnswer(response, await response.text(), beganAtEpochMs);
    } catch (error) {
      return noAnswer(error, beganAtEpochMs);
    }
  };
}

/** The text of the first element with that name, XML entities undone. */
export function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/** All of them. */
export function elementsOf(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map(([, text = '']) => text);
}

function readAnswer(response: Response, body: string, beganAtEpochMs: number): ProbeAnswer {
  const code = /<Error[\s>]/.test(body) ? elementOf(body, 'Code') : undefined;
  const message = code === undefined ? undefined : elementOf(body, 'Message');
  return {
    status: response.status,
    ...(code && { code }),
    ...(message && { message }),
    headers: Object.fromEntries(response.headers),
    body,
    receivedAtEpochMs: Date.now(),
    tookMs: Date.now() - beganAtEpochMs,
  };
}

/** The reason of a failed `fetch` stands in its cause. */
function noAnswer(error: unknown, beganAtEpochMs: number): ProbeAnswer {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, name, message }: Error & { code?: unknown } =
    cause instanceof Error ? cause : new Error(String(cause));
  return {
    status: 0,
    code: typeof code === 'string' ? code : name,
    message: message.replaceAll(/\?\S*X-Amz-\S*/g, '?…'),
    headers: {},
    body: '',
    receivedAtEpochMs: Date.now(),
    tookMs: Date.now() - beganAtEpochMs,
  };
}

function headersToSend(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-length'));
}

function toSearch(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeKey(name)}=${encodeQueryValue(String(value))}`,
  );
  return pairs.length > 0 ? `?${pairs.join('&')}` : '';
}

function encodeQueryValue(value: string): string {
  return encodeKey(value).replaceAll('/', '%2F');
}
