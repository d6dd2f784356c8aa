import type { Context, MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { AnsweredCall } from '../ports/answered-call.ts';
import type { Metrics } from '../ports/metrics.ts';
import { inCall, type OpenCall } from './call-scope.ts';

/** Header with the id of a call, both ways. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** Long enough to be told from others, and nothing that could end a line or a header. */
const REQUEST_ID = /^[\w.-]{8,64}$/;

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Who hears of calls. */
export interface CallWatchers {
  readonly metrics: Metrics;
  readonly onCall: ((call: AnsweredCall) => void) | undefined;
}

/** Gives each call its id, and tells how it was answered. Stands before everything else. */
export function watchCalls({ metrics, onCall }: CallWatchers): MiddlewareHandler {
  const durations = metrics.histogram({
    name: 'longhaul_http_request_duration_seconds',
    help: 'Calls of clients, by their route.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30],
  });
  return async (c, next) => {
    const startMs = performance.now();
    const call: OpenCall = { requestId: requestIdOf(c) };
    await inCall(call, next);
    c.header(REQUEST_ID_HEADER, call.requestId);
    const method = METHODS.has(c.req.method) ? c.req.method : 'other';
    const answered = { ...call, method, route: routeOf(c), status: c.res.status };
    const durationMs = performance.now() - startMs;
    durations.observe(durationMs / 1000, { method, route: answered.route, status: String(answered.status) });
    onCall?.({ ...answered, durationMs });
  };
}

function requestIdOf(c: Context): string {
  const given = c.req.header(REQUEST_ID_HEADER);
  return given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

/** Patterns only: a path may hold anything. What no route has taken ends in a pattern of the middleware. */
function routeOf(c: Context): string {
  // Of the handler that came last to run: a path may fit several patterns, `batch` that of any id too.
  const route = routePath(c);
  return route.endsWith('*') ? 'none' : route;
}
