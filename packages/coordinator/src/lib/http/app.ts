import { Hono, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { TOKEN_HEADER } from '@longhaul/protocol';
import type { AnsweredCall } from '../ports/answered-call.ts';
import type { Authorize } from '../ports/authorizer.ts';
import type { UploadContext } from '../uploads/context.ts';
import type { CallLimits } from './call-limits.ts';
import { problemResponse, routeNotFound } from './problem-response.ts';
import { batchRoutes } from './routes/batch.ts';
import { healthRoutes } from './routes/health.ts';
import { limitsRoute } from './routes/limits.ts';
import { objectRoutes } from './routes/objects.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { createOriginCheck, type IsAllowedOrigin } from './origins.ts';
import { createOwnerOf } from './owner.ts';
import { REQUEST_ID_HEADER, watchCalls } from './watch-calls.ts';

/** What the HTTP edge needs beside the use-cases. */
export interface AppOptions {
  readonly authorize: Authorize | undefined;
  readonly corsOrigins: readonly string[] | undefined;
  readonly limits: CallLimits;
  readonly onCall: ((call: AnsweredCall) => void) | undefined;
}

/** The routes and what stands before them, in order. */
export function createApp(context: UploadContext, options: AppOptions): Hono {
  const app = new Hono();
  const isAllowedOrigin = createOriginCheck(options.corsOrigins);
  const { limits } = options;
  const owner = createOwnerOf(options.authorize, isAllowedOrigin);
  app.use(watchCalls({ metrics: context.metrics, onCall: options.onCall }));
  app.use(nothingToShow);
  app.use(cors(corsOptions(isAllowedOrigin)));
  app.use(neverStored);
  app.use('/v1/*', async (c, next) => {
    await limits.chargeAddress(c);
    await next();
  });
  app.route('/', healthRoutes(context));
  app.route('/v1/limits', limitsRoute(context));
  app.route('/v1/uploads/batch', batchRoutes(context, owner, limits));
  app.route('/v1/uploads', uploadRoutes(context, owner, limits));
  app.route('/v1/objects', objectRoutes(context, owner, limits));
  app.notFound(routeNotFound);
  app.onError((error) => {
    const response = problemResponse(error);
    if (response.status >= 500) context.onError(error);
    return response;
  });
  return app;
}

/**
 * Answers are for programs: whoever makes a browser open one gets nothing that runs, frames or is taken for something
 * else, and no address leaves by a Referer.
 */
const nothingToShow: MiddlewareHandler = async (c, next) => {
  await next();
  c.header('x-content-type-options', 'nosniff');
  c.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  c.header('referrer-policy', 'no-referrer');
};

/** Answers hold tokens and URLs, and change from call to call: no cache between here and the client may keep them. */
const neverStored: MiddlewareHandler = async (c, next) => {
  await next();
  c.header('cache-control', 'no-store');
};

function corsOptions(isAllowedOrigin: IsAllowedOrigin): Parameters<typeof cors>[0] {
  return {
    origin: (origin) => (isAllowedOrigin(origin) ? origin : undefined),
    allowMethods: ['GET', 'POST', 'DELETE'],
    allowHeaders: ['content-type', 'authorization', TOKEN_HEADER, REQUEST_ID_HEADER],
    exposeHeaders: ['retry-after', REQUEST_ID_HEADER],
    maxAge: 7200,
  };
}
