import { type Problem, TOKEN_HEADER } from '@longhaul/protocol';
import ky from 'ky';
import { addressOf } from '../address.ts';
import { failureReason } from '../failure-reason.ts';
import { pause, type PausePorts } from '../pause.ts';
import type { Coordinator, CoordinatorCall } from '../ports/coordinator.ts';
import { judgeStatus, nextDelayMs, type RetryPolicy, type Trouble } from '../retry.ts';
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
}

/** Longer than the coordinator lets a completion wait, as long as what load balancers allow. */
const CALL_TIMEOUT_MS = 60_000;

/** Base URL of a coordinator in the same process. Nothing is looked up: the name cannot exist (RFC 2606). */
const IN_PROCESS_URL = 'http://in-process.invalid';

type Outcome =
  | { readonly value: unknown }
  | {
      readonly trouble: Trouble;
      readonly error: UploadError;
      readonly retryAfterSeconds?: number | undefined;
    };

/** The coordinator over HTTP, or in the same process. */
export function createCoordinatorClient(
  { coordinator, headers, retry }: CoordinatorClientOptions,
  ports: PausePorts,
): Coordinator {
  const isLocal = typeof coordinator === 'function';
  const prefixUrl = isLocal ? IN_PROCESS_URL : String(coordinator);
  const address = addressOf(prefixUrl);
  const http = ky.create({
    prefixUrl,
    // One layer of retries, ours; and a deadline that covers the body too, which ky's own does not.
    retry: 0,
    timeout: false,
    throwHttpErrors: false,
    ...(isLocal && { fetch: async (request) => await coordinator(new Request(request)) }),
  });

  const attempt = async (
    { method, path, token, json }: CoordinatorCall,
    signal: AbortSignal,
  ): Promise<Outcome> => {
    try {
      const response = await http(`v1/uploads${path}`, {
        method,
        headers: {
          ...(typeof headers === 'function' ? await headers() : headers),
          ...(token !== undefined && { [TOKEN_HEADER]: token }),
        },
        ...(json !== undefined && { json }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
      });
      return readAnswer(response, await response.text(), address);
    } catch (error) {
      signal.throwIfAborted();
      const message = `No answer from the coordinator at ${address}: ${failureReason(error)}. Check that it runs, then upload again to go on.`;
      return {
        trouble: 'transient',
        error: new UploadError('COORDINATOR_UNREACHABLE', message, { cause: error }),
      };
    }
  };

  return {
    address,
    async call<Answer>(call: CoordinatorCall, signal: AbortSignal) {
      for (let failures = 1; ; failures++) {
        const outcome = await attempt(call, signal);
        if ('value' in outcome) return outcome.value as Answer;
        const { trouble, retryAfterSeconds } = outcome;
        const randomFraction = ports.clock.randomFraction();
        const delayMs = nextDelayMs(retry, trouble, { failures, retryAfterSeconds, randomFraction });
        if (delayMs === undefined) throw outcome.error;
        await pause(ports, delayMs, signal);
      }
    },
  };
}

function readAnswer({ status, ok, headers }: Response, text: string, address: string): Outcome {
  const body = parseJson(text);
  if (ok && body) return { value: body };
  const problem = body && 'code' in body ? (body as Problem) : undefined;
  const message = problem
    ? `The coordinator refused (${problem.code}): ${problem.detail}`
    : `${address} answered ${status}, but not as a coordinator does. Check the address.`;
  return {
    // A refusal of the store that the coordinator passes on does not pass by itself, whatever its status.
    trouble: problem?.code === 'store-refused' ? 'fatal' : judgeStatus(status),
    retryAfterSeconds: problem?.retryAfterSeconds ?? (Number(headers.get('retry-after')) || 0),
    error: new UploadError('COORDINATOR_REFUSED', message, { status, ...(problem && { problem }) }),
  };
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
