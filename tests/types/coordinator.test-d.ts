// Compiled, never run: what the types of the coordinator promise to those who embed it or write an adapter.
import {
  type Catalog,
  CoordinatorError,
  createCoordinator,
  type EventSink,
  type StateStore,
} from '@longhaul/coordinator';
import { createKafkaSink } from '@longhaul/coordinator/kafka';
import { createPostgresCatalog } from '@longhaul/coordinator/postgres';
import { createRedisState } from '@longhaul/coordinator/redis';
import { createS3ObjectStore } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createWebhookSink } from '@longhaul/coordinator/webhook';
import type { ProblemCode } from '@longhaul/protocol';
import { Hono } from 'hono';
import { Cluster, Redis } from 'ioredis';
import { Kafka } from 'kafkajs';
import postgres from 'postgres';
import { expectTypeOf } from 'vitest';

const objectStore = createS3ObjectStore({ bucket: 'films', region: 'eu-central-1' });
const tokenKeys = ['k'.repeat(32)];
const store = createSqliteStore({ path: ':memory:' });

const app = createCoordinator({ ...store, objectStore, tokenKeys });
expectTypeOf(app).toExtend<Hono>();
new Hono().route('/uploads', app);

createCoordinator({
  ...store,
  objectStore,
  tokenKeys,
  authorize: (request) => request.headers.get('user') ?? undefined,
});
createCoordinator({
  ...store,
  objectStore,
  tokenKeys,
  authorize: async () => 'me',
  grantExpiresInSeconds: 60,
});
// @ts-expect-error: without keys nobody's token could be told from a forged one
createCoordinator({ ...store, objectStore });
// @ts-expect-error: a store must be there
createCoordinator({ ...store, tokenKeys });
// @ts-expect-error: an owner is a name
createCoordinator({ ...store, objectStore, tokenKeys, authorize: () => true });
// @ts-expect-error: a misspelt setting
createCoordinator({ ...store, objectStore, tokenKeys, maxSizeByte: 5 });

// The clients that people have fit the few methods that the adapters ask for.
expectTypeOf(createRedisState({ redis: new Redis() })).toEqualTypeOf<StateStore>();
createRedisState({ redis: new Cluster([]) });
expectTypeOf(createPostgresCatalog({ sql: postgres('postgres://localhost') })).toExtend<Catalog>();
// @ts-expect-error: no client
createRedisState({ redis: {} });

expectTypeOf(createKafkaSink({ kafka: new Kafka({ brokers: [] }) })).toEqualTypeOf<EventSink>();
// @ts-expect-error: no client
createKafkaSink({ kafka: {} });
expectTypeOf(createWebhookSink({ url: 'https://example.com', secret: '' })).toEqualTypeOf<EventSink>();
// @ts-expect-error: nobody could tell the request from a forged one
createWebhookSink({ url: 'https://example.com' });

declare const half: Pick<Catalog, 'insert' | 'find'>;
// @ts-expect-error: an adapter has every method of its port
createCoordinator({ ...store, catalog: half, objectStore, tokenKeys });

expectTypeOf(new CoordinatorError('upload-not-found', 'none').code).toEqualTypeOf<ProblemCode>();
// @ts-expect-error: no such code
throw new CoordinatorError('oops', 'none');
