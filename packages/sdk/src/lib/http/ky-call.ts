import ky from 'ky';
import { CALL_TIMEOUT_MS, type CallOnce, type CoordinatorFetch } from '../ports/coordinator.ts';

/** Calls by `fetch`: the runtime's own, or that of a coordinator in the same process. */
export function createKyCall(local?: CoordinatorFetch): CallOnce {
  const http = ky.create({
    // One layer of retries, ours.
    retry: 0,
    timeout: CALL_TIMEOUT_MS,
    throwHttpErrors: false,
    ...(local && { fetch: async (request) => await local(new Request(request)) }),
  });
  return async ({ url, ...init }) => {
    try {
      const response = await http(url, init);
      const value: unknown = await response.json().catch(() => undefined);
      return { status: response.status, value };
    } catch (cause) {
      // A time-out of ky carries the request, and its headers are nobody's business but the coordinator's.
      delete (cause as { request?: Request }).request;
      throw cause;
    }
  };
}
