import {
  type CancelResponse,
  type CompleteResponse,
  type CreateUploadResponse,
  type PartsResponse,
  type Problem,
  TOKEN_HEADER,
  type UploadStatus,
} from '@longhaul/protocol';
import ky from 'ky';
import { addressOf } from '../address.ts';
import { failureReason } from '../failure-reason.ts';
import { pause, type PausePorts } from '../pause.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import { nextDelayMs, type RetryPolicy, type Trouble } from '../retry.ts';
import { UploadError } from '../upload-error.ts';

/** A coordinator in the same process: the `fetch` of the app that `createCoordinator` returns. */
export type CoordinatorFetch = (request: Request) => Response | Promise<Response>;

/** Headers of the application, for the coordinator's `authorize` hook; a function is asked before every call. */
export type CoordinatorHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** What the client needs to know. */
export interface CoordinatorClientOptions {
  readonly coordinator: string | URL | CoordinatorFetch;
  readonly headers: CoordinatorHeaders;
  readonly retry: RetryPolicy;
  readonly ports: PausePorts;
}

/** Longer than the coordinator lets a completion wait, shorter than what load balancers cut. */
const CALL_TIMEOUT_MS = 60_000;

/** Base URL of a coordinator in the same process. Nothing is looked up: the name cannot exist (RFC 2606). */
const IN_PROCESS_URL = 'http://in-process.invalid/';

interface Call {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly token?: string;
  readonly json?: unknown;
}

type Outcome<Value> =
  | { readonly value: Value }
  | {
      readonly trouble: Trouble;
      readonly retryAfterSeconds?: number | undefined;
      readonly error: UploadError;
    };

/** The coordinator over HTTP, or in the same process. Each call retries by itself: all of them may be repeated. */
export function createCoordinatorClient(options: CoordinatorClientOptions): Coordinator {
  const call = <Value>(request: Call, signal: AbortSignal): Promise<Value> =>
    repeat(options, request, signal);
  return {
    address: addressOfCoordinator(options),
    create: (json, signal) =>
      call<CreateUploadResponse>({ method: 'post', path: 'v1/uploads', json }, signal),
    status: ({ uploadId, token }, signal) =>
      call<UploadStatus>({ method: 'get', path: `v1/uploads/${uploadId}`, token }, signal),
    exchangeParts: ({ uploadId, token }, json, signal) =>
      call<PartsResponse>({ method: 'post', path: `v1/uploads/${uploadId}/parts`, token, json }, signal),
    complete: ({ uploadId, token }, signal) =>
      call<CompleteResponse>(
        { method: 'post', path: `v1/uploads/${uploadId}/complete`, token, json: {} },
        signal,
      ),
    cancel: ({ uploadId, token }, signal) =>
      call<CancelResponse>({ method: 'delete', path: `v1/uploads/${uploadId}`, token }, signal),
  };
}

async function repeat<Value>(
  options: CoordinatorClientOptions,
  call: Call,
  signal: AbortSignal,
): Promise<Value> {
  const { retry, ports } = options;
  for (let failures = 1; ; failures++) {
    const outcome = await attempt<Value>(options, call, signal);
    if ('value' in outcome) return outcome.value;
    const { trouble, error, retryAfterSeconds } = outcome;
    const randomFraction = ports.clock.randomFraction();
    const delayMs = nextDelayMs(
      retry,
      trouble,
      { failures, renewals: 0 },
      { randomFraction, retryAfterSeconds },
    );
    if (delayMs === undefined) throw error;
    await pause(ports, delayMs, signal);
  }
}

async function attempt<Value>(
  options: CoordinatorClientOptions,
  call: Call,
  signal: AbortSignal,
): Promise<Outcome<Value>> {
  try {
    const response = await send(options, call, signal);
    return readAnswer(options, response, await response.text());
  } catch (error) {
    signal.throwIfAborted();
    const message =
      `No answer from the coordinator at ${addressOfCoordinator(options)}: ${failureReason(error)}. ` +
      'Check that it runs and can be reached, then upload the same file again: it goes on where it stopped.';
    return {
      trouble: 'transient',
      error: new UploadError('COORDINATOR_UNREACHABLE', message, { cause: error }),
    };
  }
}

async function send(
  { coordinator, headers }: CoordinatorClientOptions,
  { method, path, token, json }: Call,
  signal: AbortSignal,
): Promise<Response> {
  const applicationHeaders = typeof headers === 'function' ? await headers() : headers;
  const isLocal = typeof coordinator === 'function';
  return await ky(path, {
    method,
    prefixUrl: isLocal ? IN_PROCESS_URL : coordinator,
    headers: { ...applicationHeaders, ...(token !== undefined && { [TOKEN_HEADER]: token }) },
    ...(json !== undefined && { json }),
    ...(isLocal && { fetch: async (request) => await coordinator(new Request(request)) }),
    // One layer of retries, the one above; and a deadline that covers the body too, which ky's own does not.
    retry: 0,
    timeout: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    throwHttpErrors: false,
  });
}

function readAnswer<Value>(
  options: CoordinatorClientOptions,
  response: Response,
  text: string,
): Outcome<Value> {
  const { status, ok } = response;
  const body = parseJson(text);
  if (ok && body) return { value: body as Value };
  const problem = body && 'code' in body ? (body as Problem) : undefined;
  const address = addressOfCoordinator(options);
  const message = problem
    ? `The coordinator refused (${problem.code}): ${problem.detail}`
    : `${address} answered ${status} without a word that a coordinator would say. Is this the coordinator's address?`;
  const details = { status, ...(problem && { problem }) };
  return {
    trouble: judge(status, problem),
    retryAfterSeconds: problem?.retryAfterSeconds ?? (Number(response.headers.get('retry-after')) || 0),
    error: new UploadError('COORDINATOR_REFUSED', message, details),
  };
}

/** Which refusals pass by themselves. The store's own refusal of something, relayed by the coordinator, does not. */
function judge(status: number, problem: Problem | undefined): Trouble {
  if (status === 429 || status === 503) return 'throttled';
  if (status === 408 || (status >= 500 && status !== 501 && problem?.code !== 'store-refused'))
    return 'transient';
  return 'fatal';
}

function parseJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Not JSON: a proxy or another server has answered, and the caller says so.
    return undefined;
  }
}

function addressOfCoordinator({ coordinator }: CoordinatorClientOptions): string {
  return typeof coordinator === 'function' ? IN_PROCESS_URL : addressOf(String(coordinator));
}
