import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import {
  CALL_TIMEOUT_MS,
  type CallOnce,
  type CoordinatorAnswer,
  type CoordinatorRequest,
} from '../../ports/coordinator.ts';
import { addressOf } from '../../address.ts';
import { UploadError } from '../../upload-error.ts';
import { http } from './node-http.ts';
import { orUntrusted } from './untrusted-certificate.ts';

/** Room for a hundred creates that resume uploads of ten thousand parts. */
const MAX_ANSWER_BYTES = 64 * 1024 ** 2;
/** A refusal is a problem document; a page of a proxy says nothing beyond its status. */
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Calls over node:http(s), with the process's own agents: connections are kept for a while, and proxies of the
 * environment are used where Node was told to.
 *
 * @param otherwise makes the calls that are sent elsewhere by a redirection
 */
export function createHttpCall(otherwise: CallOnce, timeoutMs: number = CALL_TIMEOUT_MS): CallOnce {
  return async (call) => {
    const { response, text } = await exchange(call, timeoutMs);
    const { statusCode: status = 0, headers } = response;
    // Every call may be repeated.
    if (status >= 300 && status < 400 && headers.location !== undefined) return await otherwise(call);
    return { status, value: parseJson(text) } satisfies CoordinatorAnswer;
  };
}

interface Exchanged {
  readonly response: IncomingMessage;
  readonly text: string;
}

async function exchange(
  { method, url, headers, json, signal }: CoordinatorRequest,
  timeoutMs: number,
): Promise<Exchanged> {
  const open = url.startsWith('https:') ? httpsRequest : http.request;
  const body = json === undefined ? '' : JSON.stringify(json);
  const request = open(url, { method: method.toUpperCase(), headers: sentHeaders(headers, body), signal });
  const giveUp = (): void => void request.destroy(new Error(`no answer within ${timeoutMs} ms`));
  const timer = setTimeout(giveUp, timeoutMs);
  try {
    return await new Promise<Exchanged>((resolve, reject) => {
      const onClose = (): void => reject(new Error('the connection was closed, and no answer came'));
      request.on('error', reject);
      // After 101 nothing else is told: not even that the call is given up.
      request.on('close', onClose);
      request.on('response', (response) => {
        // From here on the response tells, and may be read after the request has closed.
        request.off('close', onClose);
        readText(response, url).then((text) => resolve({ response, text }), reject);
      });
      request.end(body);
    });
  } catch (error) {
    throw orUntrusted(error, 'coordinator', url);
  } finally {
    clearTimeout(timer);
  }
}

function sentHeaders(headers: CoordinatorRequest['headers'], body: string): Record<string, string | number> {
  const sent: Record<string, string | number> = { accept: 'application/json' };
  for (const [name, value] of Object.entries(headers)) {
    // As fetch does: a line break that comes with a secret read from a file is no part of it.
    if (value !== undefined) sent[name] = value.trim();
  }
  if (body) sent['content-type'] ??= 'application/json';
  sent['content-length'] = Buffer.byteLength(body);
  return sent;
}

/** @throws UploadError `COORDINATOR_REFUSED` when a success is longer than any of ours */
async function readText(response: IncomingMessage, url: string): Promise<string> {
  const { statusCode = 0 } = response;
  const isSuccess = statusCode >= 200 && statusCode < 300;
  const maxBytes = isSuccess ? MAX_ANSWER_BYTES : MAX_REFUSAL_BYTES;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Left early, the connection is closed, so that nobody goes on sending.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes && !isSuccess) return '';
    if (sizeBytes > maxBytes) throw tooLong(url, statusCode);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function tooLong(url: string, status: number): UploadError {
  const message = `No coordinator at ${addressOf(url)}: its answer has more than ${MAX_ANSWER_BYTES} bytes.`;
  return new UploadError('COORDINATOR_REFUSED', message, { status });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
