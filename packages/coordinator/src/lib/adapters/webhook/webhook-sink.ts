import { createHmac } from 'node:crypto';
import type { UploadEvent } from '@longhaul/protocol';
import { Secret } from '../../secret.ts';
import { type EventSink, EventSinkError } from '../../ports/event-sink.ts';

/** Options of {@link createWebhookSink}. */
export interface WebhookSinkOptions {
  /** Where to POST, `https:`; `http:` on this machine only. */
  readonly url: string;
  /** Signs each request: `whsec_` and 24 to 64 random bytes in base64. Make one: `echo whsec_$(openssl rand -base64 32)`. */
  readonly secret: string | Secret;
  /** How long one request may take. Default 10,000, at most 25,000. */
  readonly timeoutMs?: number;
  /** Tells several webhooks of one coordinator apart, and must stay the same. Default `webhook`. */
  readonly name?: string;
}

/**
 * Tells a URL how uploads end: CloudEvents 1.0 in HTTP's structured mode (the body is the whole event as JSON), signed
 * as Standard Webhooks wants it, so that receivers find a library for it in their language. `webhook-id` is the event's
 * `id`.
 *
 * An answer of 2xx takes the event. 400, 409, 410, 413, 422 and other 4xx refuse it for good, except those that are about
 * the address or the moment (401, 403, 404, 405, 408, 421, 425, 429). Redirects are not followed. All else is tried
 * again.
 *
 * @throws TypeError when an option is wrong; it does not say the secret
 * @example
 * const sink = createWebhookSink({ url: 'https://example.com/uploads', secret: process.env.WEBHOOK_SECRET ?? '' });
 * const app = createCoordinator({ ...store, objectStore, tokenKeys, sinks: [sink] });
 */
export function createWebhookSink(options: WebhookSinkOptions): EventSink {
  const url = addressOf(options.url);
  const key = keyOf(options.secret);
  const timeoutMs = timeLimit(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const closing = new AbortController();
  return {
    name: options.name ?? 'webhook',
    async publish(event) {
      const status = await post(url, signedRequest(event, key), {
        timeoutMs,
        closed: closing.signal,
      });
      if (status >= 200 && status < 300) return;
      const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
      const kind = isRefusal(status) ? 'rejected' : 'unavailable';
      throw new EventSinkError(kind, `${url.host} answered ${status}${redirect}`);
    },
    async close() {
      closing.abort();
    },
  };
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 25_000;
const SECRET_PREFIX = 'whsec_';

/** Of the 4xx those that say nothing about the event: whoever runs the address will mend them, or time will. */
const NOT_ABOUT_THE_EVENT: ReadonlySet<number> = new Set([401, 403, 404, 405, 408, 421, 425, 429]);

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !NOT_ABOUT_THE_EVENT.has(status);
}

interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Structured mode, because the signature is over the body: headers of the binary mode could be changed on the way. */
function signedRequest(event: UploadEvent, key: Buffer): SignedRequest {
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', key).update(`${event.id}.${timestamp}.${body}`).digest('base64');
  return {
    body,
    headers: {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'webhook-id': event.id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
  };
}

/** The status of the answer; its body is nobody's business. */
async function post(
  url: URL,
  { headers, body }: SignedRequest,
  limits: { readonly timeoutMs: number; readonly closed: AbortSignal },
): Promise<number> {
  const signal = AbortSignal.any([AbortSignal.timeout(limits.timeoutMs), limits.closed]);
  try {
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    await response.body?.cancel();
    return response.status;
  } catch (cause) {
    const reason = limits.closed.aborted ? 'the sink is closed' : reasonOf(cause, limits.timeoutMs);
    throw new EventSinkError('unavailable', `no answer from ${url.host}: ${reason}`, { cause });
  }
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return `nothing within ${timeoutMs / 1000} s`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new TypeError('url must be an address, got something else');
  if (url.username !== '' || url.password !== '')
    throw new TypeError('url must hold no user and no password');
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) return url;
  throw new TypeError(
    `url must begin with https:, or with http: on this machine, got ${url.protocol}//${url.host}`,
  );
}

function keyOf(secret: string | Secret): Buffer {
  // An environment variable that is not set arrives as `undefined`, whatever the types say.
  const given = secret instanceof Secret ? secret.reveal() : secret;
  const text = typeof given === 'string' ? given : '';
  const key = Buffer.from(text.slice(SECRET_PREFIX.length), 'base64');
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text.slice(SECRET_PREFIX.length));
  if (text.startsWith(SECRET_PREFIX) && isBase64 && key.length >= 24 && key.length <= 64) return key;
  throw new TypeError('secret must be whsec_ and 24 to 64 bytes in base64');
}

function timeLimit(timeoutMs: number): number {
  if (Number.isSafeInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new TypeError(`timeoutMs must be a whole number from 1 to ${MAX_TIMEOUT_MS}, got ${timeoutMs}`);
}
