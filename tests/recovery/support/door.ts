import type { Replica } from './replica-process.ts';

/** What clients take for the coordinator: the first replica that lives, as a load balancer would choose it. */
export interface Door {
  fetch(request: Request): Promise<Response>;
  /** Something to be done once, before an upload is asked to complete. */
  beforeFirstComplete(deed: () => Promise<void>): void;
  /** Something to be done once, after a complete was answered with COMPLETING. */
  afterCompleting(deed: () => void): void;
}

export function openDoor(replicas: readonly Replica[]): Door {
  let before: (() => Promise<void>) | undefined;
  let after: (() => void) | undefined;
  return {
    beforeFirstComplete(deed) {
      before = deed;
    },
    afterCompleting(deed) {
      after = deed;
    },
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const isComplete = pathname.endsWith('/complete');
      if (isComplete && before) {
        const deed = before;
        before = undefined;
        await deed();
      }
      const target = replicas.find(({ isAlive, url }) => isAlive && url !== undefined)?.url ?? '';
      const response = await fetch(new URL(pathname, target), {
        method: request.method,
        headers: request.headers,
        body: request.body ? await request.text() : null,
        signal: request.signal,
      });
      const text = await response.text();
      if (isComplete && response.status === 202 && after) {
        const deed = after;
        after = undefined;
        deed();
      }
      return new Response(text, { status: response.status, headers: response.headers });
    },
  };
}
