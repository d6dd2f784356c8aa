import { type BatchItem, type Problem, TOKEN_HEADER } from '@longhaul/protocol';
import ky from 'ky';
import { addressOf } from '../address.ts';
import { ENDED } from '../ended.ts';
import type { Coordinator, CoordinatorCall } from '../ports/coordinator.ts';
import { type Outcome, repeat, type RepeatInput } from '../repeat.ts';
import { judgeStatus } from '../retry.ts';
import { unreachable, UploadError } from '../upload-error.ts';
import { type AttemptCall, shareCalls } from './share-calls.ts';

/** A coordinator in the same process: the `fetch` of the app that `createCoordinator` returns. */
export type CoordinatorFetch = (request: Request) => Response | Promise<Response>;

/** Headers of the application, for the coordinator's `authorize` hook; a function is asked before every call. */
export type CoordinatorHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** What the client needs to know. */
export interface CoordinatorClientOptions extends RepeatInput {
  readonly coordinator: string | URL | CoordinatorFetch;
  readonly headers: CoordinatorHeaders;
}

/** Longer than the coordinator lets a completion wait, as long as what load balancers allow. */
const CALL_TIMEOUT_MS = 60_000;

/** Base URL of a coordinator in the same process. Nothing is sent there: it only has to be a loopback host to it. */
const IN_PROCESS_URL = 'http://localhost';

/** The coordinator over HTTP, or in the same process. */
export function createCoordinatorClient(options: CoordinatorClientOptions): Coordinator {
  const { coordinator, headers } = options;
  const isLocal = typeof coordinator === 'function';
  const prefixUrl = isLocal ? IN_PROCESS_URL : String(coordinator);
  const address = addressOf(prefixUrl);
  const http = ky.create({
    prefixUrl,
    // One layer of retries, ours.
    retry: 0,
    timeout: CALL_TIMEOUT_MS,
    throwHttpErrors: false,
    ...(isLocal && { fetch: async (request) => await coordinator(new Request(request)) }),
  });

  const attempt: AttemptCall = async ({ method, path, token, json }, signal) => {
    try {
      const own = typeof headers === 'function' ? await headers() : headers;
      const init = { method, json, headers: { ...own, [TOKEN_HEADER]: token }, signal };
      const response = await http(`v1/uploads${path}`, init);
      // Not JSON: a proxy or another server has answered, or the answer was cut short.
      return judgeAnswer(response, await response.json().catch(() => undefined), address);
    } catch (cause) {
      signal.throwIfAborted();
      // A time-out of ky carries the request, and its headers are nobody's business but the coordinator's.
      delete (cause as { request?: Request }).request;
      const error = unreachable('COORDINATOR_UNREACHABLE', `coordinator (${address})`, cause);
      return { trouble: 'transient', error };
    }
  };

  const judge = (item: BatchItem<unknown>): Outcome<unknown> =>
    item.ok ? item : judgeAnswer(item.problem, item.problem, address);
  const create = shareCalls(attempt, { path: '/batch', entryOf: ({ json }) => json, judge });
  const complete = shareCalls(attempt, {
    path: '/batch/complete',
    entryOf: ({ path, token, json }) => ({ uploadId: path.split('/')[1], token, ...(json as object) }),
    judge,
  });
  let hasAnswered = false;
  const input = { ...options, isKnownServer: () => hasAnswered };

  return {
    address,
    call: async <Answer>(call: CoordinatorCall, signal: AbortSignal) => {
      const make = !call.mayShare ? attempt : call.path ? complete : create;
      const answer = await repeat(input, signal, () => make(call, signal));
      hasAnswered = true;
      return answer as Answer;
    },
  };
}

function judgeAnswer(
  { ok, status }: { readonly ok?: boolean; readonly status: number },
  value: unknown,
  address: string,
): Outcome<unknown> {
  if (ok && value) return { value };
  const problem = value as Problem | undefined;
  const code = problem?.code ?? '';
  const message = code
    ? `The coordinator refused (${code}): ${problem?.detail}`
    : `No coordinator at ${address} (${status}).`;
  return {
    // A refusal of the store that the coordinator passes on does not pass by itself, whatever its status.
    trouble: ok ? 'transient' : code === 'store-refused' ? 'fatal' : judgeStatus(status),
    retryAfterSeconds: problem?.retryAfterSeconds,
    error: new UploadError(ENDED.test(code) ? 'UPLOAD_ENDED' : 'COORDINATOR_REFUSED', message, {
      status,
      problem,
    }),
  };
}
