import { type CoordinatorProcess, serveCoordinator } from '../../processes/serve-coordinator.ts';
import type { Addresses } from './ports.ts';

/** A coordinator of its own, on the servers of a lane. */
export async function startCoordinatorProcess(addresses: Addresses): Promise<CoordinatorProcess> {
  const { store, kafka, databaseUrl, redisUrl } = addresses;
  return await serveCoordinator({
    S3_BUCKET: store.bucket,
    S3_ENDPOINT: store.endpoint,
    S3_PROFILE: store.profile,
    AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
    LONGHAUL_DATABASE_URL: databaseUrl,
    LONGHAUL_REDIS_URL: redisUrl,
    LONGHAUL_KAFKA_BROKERS: kafka.brokers,
    LONGHAUL_KAFKA_TOPIC: kafka.topic,
    LONGHAUL_TOKEN_KEYS: 'a key for tests that is long enough',
    LONGHAUL_SWEEP_EVERY_SECONDS: '1',
    LONGHAUL_COMPLETION_REDRIVE_AFTER_SECONDS: '1',
  });
}
