/**
 * Every change of hot state, one round trip each. KEYS[1] is the state hash, KEYS[2] the parts; ARGV[1] the seconds
 * that both live on. A state hash without `rebuilt` is half a record at most and counts as none.
 */
export const SCRIPTS: Readonly<Record<keyof ScriptCommands, string>> = {
  longhaulParts: `
if redis.call('HEXISTS', KEYS[1], 'rebuilt') == 0 then return {} end
return redis.call('HGETALL', KEYS[2])
`,

  // ARGV[2..]: part number and part, in turn.
  longhaulRecord: `
if redis.call('HEXISTS', KEYS[1], 'rebuilt') == 0 then return { 'absent' } end
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'UPLOADING' then return { 'closed', status } end
local new = {}
for i = 2, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[i]) ~= ARGV[i + 1] then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    new[#new + 1] = tonumber(ARGV[i])
  end
end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'updated_at', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return { 'recorded', redis.call('HLEN', KEYS[2]), new }
`,

  // ARGV[2]: how many fields and values follow; after them part number and part, in turn.
  longhaulRestore: `
if redis.call('HEXISTS', KEYS[1], 'rebuilt') == 0 then redis.call('DEL', KEYS[1], KEYS[2]) end
local parts_from = 3 + tonumber(ARGV[2])
local token_version = tonumber(redis.call('HGET', KEYS[1], 'token_version')) or 0
for i = 3, parts_from - 1, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
if token_version > tonumber(redis.call('HGET', KEYS[1], 'token_version')) then
  redis.call('HSET', KEYS[1], 'token_version', token_version)
end
for i = parts_from, #ARGV, 2 do
  redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call('HSET', KEYS[1], 'rebuilt', '1')
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
`,

  longhaulSetStatus: `
if redis.call('HEXISTS', KEYS[1], 'rebuilt') == 0 then return end
redis.call('HSET', KEYS[1], 'status', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
`,

  // ARGV[2..]: field and value, in turn. The parts are of no use any more; how it ended is told while the record lives.
  longhaulFinish: `
redis.call('UNLINK', KEYS[2])
if redis.call('HEXISTS', KEYS[1], 'rebuilt') == 0 then return end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
`,
};

/** The commands that {@link SCRIPTS} define on a client. */
export interface ScriptCommands {
  longhaulParts(stateKey: string, partsKey: string): Promise<readonly string[]>;
  longhaulRecord(
    stateKey: string,
    partsKey: string,
    ...args: readonly (string | number)[]
  ): Promise<RecordReply>;
  longhaulRestore(
    stateKey: string,
    partsKey: string,
    ...args: readonly (string | number)[]
  ): Promise<unknown>;
  longhaulSetStatus(
    stateKey: string,
    partsKey: string,
    ...args: readonly (string | number)[]
  ): Promise<unknown>;
  longhaulFinish(stateKey: string, partsKey: string, ...args: readonly (string | number)[]): Promise<unknown>;
}

/** Answer of `longhaulRecord`. */
export type RecordReply =
  | readonly ['absent']
  | readonly ['closed', status: string]
  | readonly ['recorded', receivedCount: number, newPartNumbers: readonly number[]];
