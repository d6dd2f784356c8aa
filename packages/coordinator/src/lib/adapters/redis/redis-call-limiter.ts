import { type CallLimiter, CallLimiterError } from '../../ports/call-limiter.ts';

/** What is used of a client of `ioredis`: a single server, Sentinel or Cluster. */
export interface RedisScripting {
  /** Makes a script a method of the client. */
  defineCommand(name: string, definition: { readonly lua: string; readonly numberOfKeys: number }): void;
}

/** Options of {@link createRedisCallLimiter}. */
export interface RedisCallLimiterOptions {
  /** A `Redis` or `Cluster` of `ioredis`, for example that of the state store. The limiter does not end it. */
  readonly redis: RedisScripting;
}

interface LimiterCommand {
  longhaulTakeCalls(key: string, calls: number, callsPerMinute: number): Promise<number>;
}

/**
 * KEYS[1] is the time in microseconds at which the bucket will be full again; it is kept until then. ARGV: calls, calls
 * per minute. By the clock of Redis, so that replicas whose clocks differ count alike.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local per_minute = tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1])) or 0, now)
local after = full_at + math.floor(math.min(tonumber(ARGV[1]), per_minute) * 60000000 / per_minute)
local wait = after - now - 60000000
if wait > 0 then return math.ceil(wait / 1000) end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
return 0
`;

/**
 * Counts calls in Redis, so that all replicas together let pass as many as one would. While Redis is away each of them
 * counts by itself.
 *
 * @example const callLimiter = createRedisCallLimiter({ redis });
 */
export function createRedisCallLimiter({ redis }: RedisCallLimiterOptions): CallLimiter {
  redis.defineCommand('longhaulTakeCalls', { lua: TAKE, numberOfKeys: 1 });
  // defineCommand has just added this method, which TypeScript cannot see.
  const client = redis as RedisScripting & LimiterCommand;
  return {
    async take(bucket, calls, callsPerMinute) {
      try {
        return await client.longhaulTakeCalls(`calls:{${bucket}}`, calls, callsPerMinute);
      } catch (cause) {
        throw new CallLimiterError('Redis could not count calls', { cause });
      }
    },
  };
}
