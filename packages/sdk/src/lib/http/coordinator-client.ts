import { type Problem, TOKEN_HEADER } from '@longhaul/protocol';
import { addressOf } from '../address.ts';
import { ENDED } from '../ended.ts';
import type {
  CallOnce,
  Coordinator,
  CoordinatorAnswer,
  CoordinatorCall,
  CoordinatorFetch,
} from '../ports/coordinator.ts';
import { type Outcome, repeat, type RepeatInput } from '../repeat.ts';
import { judgeStatus } from '../retry.ts';
import { isUploadError, unreachable, UploadError } from '../upload-error.ts';
import type { AttemptCall } from './share-calls.ts';

/** Headers of the application, for the coordinator's `authorize` hook; a function is asked before every call. */
export type CoordinatorHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** What the client needs to know. */
export interface CoordinatorClientOptions extends RepeatInput {
  readonly coordinator: string | URL | CoordinatorFetch;
  readonly headers: CoordinatorHeaders;
  /** How a call is made. */
  readonly callOnce: CallOnce;
}

/** Calls under way that do not ask whether others could come along. */
const CALLS_ALONE = 3;

/** Base URL of a coordinator in the same process. Nothing is sent there: it only has to be a loopback host to it. */
const IN_PROCESS_URL = 'http://localhost';

/** The coordinator over HTTP, or in the same process. */
export function createCoordinatorClient(options: CoordinatorClientOptions): Coordinator {
  const { coordinator, headers, callOnce } = options;
  const base = typeof coordinator === 'function' ? IN_PROCESS_URL : String(coordinator);
  const address = addressOf(base);
  const root = `${base.replace(/\/$/, '')}/v1/`;

  const attempt: AttemptCall = async ({ method, resource = 'uploads', path, token, json }, signal) => {
    try {
      const own = typeof headers === 'function' ? await headers() : headers;
      // A page asks whether it may send JSON, or headers of the application's own, before it does: one round trip more.
      const contentType = Object.keys(own).length > 0 ? 'application/json' : 'text/plain';
      const all = { 'content-type': contentType, ...own, [TOKEN_HEADER]: token };
      const url = root + resource + path;
      return judgeAnswer(await callOnce({ method, url, headers: all, json, signal }), address);
    } catch (cause) {
      signal.throwIfAborted();
      if (isUploadError(cause)) return { trouble: 'fatal', error: cause };
      const error = unreachable('COORDINATOR_UNREACHABLE', `coordinator (${address})`, cause);
      return { trouble: 'transient', error };
    }
  };

  let alone = 0;
  let together: Promise<AttemptCall> | undefined;
  /** The first few go at once; what lets more of them travel together is loaded when there are more. */
  const share: AttemptCall = async (call, signal) => {
    if (!together && alone < CALLS_ALONE) {
      alone++;
      return await attempt(call, signal).finally(() => alone--);
    }
    together ??= import('./share-calls.ts').then(
      ({ createSharing }) =>
        createSharing(attempt, (problem) => judgeAnswer({ status: problem.status, value: problem }, address)),
      () => attempt,
    );
    return await (
      await together
    )(call, signal);
  };
  let hasAnswered = false;
  const input = { ...options, isKnownServer: () => hasAnswered };

  return {
    address,
    learnt: {},
    call: async <Answer>(call: CoordinatorCall, signal: AbortSignal) => {
      const make = call.mayShare ? share : attempt;
      const answer = await repeat(input, signal, () => make(call, signal));
      hasAnswered = true;
      return answer as Answer;
    },
  };
}

function judgeAnswer({ status, value }: CoordinatorAnswer, address: string): Outcome<unknown> {
  const ok = status >= 200 && status < 300;
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
