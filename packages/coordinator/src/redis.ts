export {
  createRedisState,
  type RedisClient,
  type RedisStateOptions,
} from './lib/adapters/redis/redis-state.ts';
