import { randomBytes } from 'node:crypto';

import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { Hono } from 'hono';

import { authenticate } from '../auth/authenticate.ts';
import { findOperation } from '../routes/route-table.ts';
import type { Store } from '../store/store.ts';
import { corsHeaders, preflightAnswer } from './cors.ts';
import type { CorsRule } from './cors-rules.ts';
import { errorAnswer } from './error-answer.ts';
import { readIncoming } from './incoming.ts';
import type { S3Request } from './s3-request.ts';
import { parseS3Request } from './s3-request.ts';
import { refuseUnsupportedHeaders } from './unsupported.ts';

interface AppEnv {
  // Empty when a Request is handed in directly instead of coming over a socket.
  Bindings: Partial<HttpBindings>;
  Variables: { requestId: string; s3Request: S3Request };
}

/** What the HTTP side needs beside the store. */
export interface AppOptions {
  readonly store: Store;
  /** Resolves when the store is loaded. */
  readonly ready: Promise<void>;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The HTTP side: identify, parse, allow other origins, then authenticate and run the operation. */
export function createApp({ store, ready, credentials }: AppOptions): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(identify);
  app.use(async (c, next) => {
    await ready;
    c.set('s3Request', parseS3Request(await readIncoming(c)));
    await next();
  });
  app.use(answerOtherOrigins(store));
  app.all('*', async (c) => {
    const request = c.get('s3Request');
    const { payloadHash } = authenticate(request, {
      ...credentials,
      region: store.region,
      nowEpochMs: store.now(),
    });
    refuseUnsupportedHeaders(request);
    return await findOperation(request)({ store, request, payloadHash });
  });
  app.onError((error, c) =>
    errorAnswer(error, { method: c.req.method, resource: c.req.path, requestId: c.get('requestId') }),
  );
  return app;
}

const identify: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set('requestId', randomBytes(8).toString('hex').toUpperCase());
  await next();
  c.res.headers.set('x-amz-request-id', c.get('requestId'));
  c.res.headers.set('x-amz-id-2', 'local-s3');
};

/** Errors carry the headers too: without them a browser sees a network error instead of the reason. */
function answerOtherOrigins(store: Store): MiddlewareHandler<AppEnv> {
  return async (c: Context<AppEnv>, next) => {
    const { bucket, headers, method } = c.get('s3Request');
    const rules = rulesOf(store, bucket);
    if (method === 'OPTIONS') return preflightAnswer(rules, headers);
    await next();
    for (const [name, value] of Object.entries(corsHeaders(rules, headers, method))) {
      c.res.headers.set(name, value);
    }
    return undefined;
  };
}

function rulesOf(store: Store, bucketName: string | undefined): readonly CorsRule[] {
  const bucket = bucketName === undefined ? undefined : store.buckets.get(bucketName);
  return bucket === undefined ? [] : (bucket.cors ?? store.defaultCors);
}
