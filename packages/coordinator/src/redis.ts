export { createRedisSealedKeys, type SealedKeyRedis } from './lib/adapters/redis/redis-sealed-keys.ts';
export {
  createRedisState,
  type RedisClient,
  type RedisStateOptions,
} from './lib/adapters/redis/redis-state.ts';
export {
  createRedisCallLimiter,
  type RedisCallLimiterOptions,
  type RedisScripting,
} from './lib/adapters/redis/redis-call-limiter.ts';
