import ky from 'ky';
import { CALL_TIMEOUT_MS, type CallOnce, type CoordinatorFetch } from '../ports/coordinator.ts';

/** Calls by `fetch`: the runtime's own, or that of a coordinator in the same process. */
export function createKyCall(local?: CoordinatorFetch): CallOnce {
  const http = ky.create({
    // One layer of retries, ours.
    retry: 0,
    timeout: CALL_TIMEOUT_MS,
    throwHttpErrors: false,
  });
  const send: CoordinatorFetch = local ?? ((request) => fetch(request));
  return async ({ url, json, ...init }) => {
    // Added to what ky has made: it clones every request, and a clone with a body costs a page a third of the call.
    const body = JSON.stringify(json);
    const sendWithBody = async (request: string | URL | Request): Promise<Response> =>
      await send(new Request(request, { method: init.method, body }));
    try {
      const response = await http(url, { ...init, fetch: sendWithBody });
      const value: unknown = await response.json().catch(() => undefined);
      return { status: response.status, value };
    } catch (cause) {
      // A time-out of ky carries the request, and its headers are nobody's business but the coordinator's.
      delete (cause as { request?: Request }).request;
      throw cause;
    }
  };
}
