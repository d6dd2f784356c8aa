import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallScope } from '../ports/answered-call.ts';

/** What is known of the call under way; filled in by those who learn it. */
export interface OpenCall extends CallScope {
  uploadId?: string;
  problem?: string;
  reason?: string;
}

const calls = new AsyncLocalStorage<OpenCall>();

/** The call that the code at hand works for, also after its answer; `undefined` in the background. */
export function currentCall(): OpenCall | undefined {
  return calls.getStore();
}

/** Runs the work of a call. */
export function inCall<Result>(call: OpenCall, work: () => Result): Result {
  return calls.run(call, work);
}

/** The call is about this upload. */
export function noteUpload({ uploadId }: { readonly uploadId: string }): void {
  const call = currentCall();
  if (call) call.uploadId = uploadId;
}
