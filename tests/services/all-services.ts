import { ceph } from './ceph.ts';
import { chromium } from './chromium.ts';
import { kafka } from './kafka.ts';
import { minio } from './minio.ts';
import { moto } from './moto.ts';
import { openbao } from './openbao.ts';
import { postgres } from './postgres.ts';
import { redisCluster } from './redis-cluster.ts';
import { redis } from './redis.ts';
import { RUNTIMES } from './runtimes.ts';
import { schemathesis } from './schemathesis.ts';
import type { Service } from './service.ts';
import { versitygw } from './versitygw.ts';

/** Every service that tests may want, in the order of the summary. */
export const ALL_SERVICES: readonly Service[] = [
  redis,
  redisCluster,
  postgres,
  kafka,
  versitygw,
  ceph,
  minio,
  openbao,
  moto,
  chromium,
  schemathesis,
  ...RUNTIMES,
];
