import type { PartAnswer } from '../../ports/part-sender.ts';

/** As much of an `XMLHttpRequest` as it takes to know what the store said. */
export interface AnsweredRequest {
  readonly status: number;
  readonly responseText: string;
  getAllResponseHeaders(): string;
}

const MAX_BODY_LENGTH = 16 * 1024;

/** The store's answer. Headers that CORS hides are left out. */
export function readXhrAnswer(request: AnsweredRequest): PartAnswer {
  const { status, responseText } = request;
  // Asking for one hidden header by name writes an error into the browser's console; asking for all does not.
  const headers = request.getAllResponseHeaders();
  return {
    status,
    etag: /^etag: *(.+?)\r?$/im.exec(headers)?.[1],
    body: status < 300 ? '' : responseText.slice(0, MAX_BODY_LENGTH),
    // In its other form it is a date, and the clocks of browsers are not to be trusted.
    retryAfterSeconds: Number(/^retry-after: *(\d+)\r?$/im.exec(headers)?.[1]) || undefined,
  };
}
