import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { TOKEN_HEADER } from '@longhaul/protocol';
import type { Authorize } from '../ports/authorizer.ts';
import type { UploadContext } from '../uploads/context.ts';
import { problemResponse, routeNotFound } from './problem-response.ts';
import { batchRoutes } from './routes/batch.ts';
import { healthRoutes } from './routes/health.ts';
import { limitsRoute } from './routes/limits.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { isLoopbackHost, ownerOf } from './owner.ts';

/** What the HTTP edge needs beside the use-cases. */
export interface AppOptions {
  readonly authorize: Authorize | undefined;
  readonly corsOrigins: readonly string[] | undefined;
}

/** The routes and what stands before them, in order. */
export function createApp(context: UploadContext, options: AppOptions): Hono {
  const app = new Hono();
  const owner = (request: Request): Promise<string> => ownerOf(request, options.authorize);
  app.use(cors(corsOptions(options.corsOrigins)));
  app.route('/', healthRoutes(context));
  app.route('/v1/limits', limitsRoute(context));
  app.route('/v1/uploads/batch', batchRoutes(context, owner));
  app.route('/v1/uploads', uploadRoutes(context, owner));
  app.notFound(routeNotFound);
  app.onError((error) => {
    const response = problemResponse(error);
    if (response.status >= 500) context.onError(error);
    return response;
  });
  return app;
}

function corsOptions(origins: readonly string[] | undefined): Parameters<typeof cors>[0] {
  return {
    origin: (origin) => (isAllowed(origin, origins) ? origin : undefined),
    allowMethods: ['GET', 'POST', 'DELETE'],
    allowHeaders: ['content-type', 'authorization', TOKEN_HEADER],
    exposeHeaders: ['retry-after'],
    maxAge: 7200,
  };
}

function isAllowed(origin: string, origins: readonly string[] | undefined): boolean {
  if (origins) return origins.includes(origin) || origins.includes('*');
  return URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname);
}
