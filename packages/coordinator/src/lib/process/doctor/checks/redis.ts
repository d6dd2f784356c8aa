import type { RedisReport } from '../../../ports/server-probes.ts';
import { type Finding, good } from '../finding.ts';
import type { Patient } from '../patient.ts';

const LEAST_MAJOR = 6;
const FULL_AT = 0.9;

/** Redis, where it is used: reachable, writable, and keeping what it is given. */
export async function checkRedis({ redis, config }: Patient): Promise<readonly Finding[]> {
  if (!redis) return [];
  const report = await redis.look();
  if ('unreachable' in report) {
    return [
      {
        id: 'redis-unreachable',
        level: 'error',
        what: `Redis (LONGHAUL_REDIS_URL) cannot be reached: ${report.unreachable}`,
        why: 'uploads go on without it, slower: each call asks Postgres and the store',
        fix: 'correct host, port, user and password in LONGHAUL_REDIS_URL (rediss:// for TLS): redis-cli -u "$LONGHAUL_REDIS_URL" ping',
      },
    ];
  }
  const urls = config.memory.kind === 'servers' ? config.memory.redisUrls.length : 0;
  const findings = [...modeFindings(report, urls), ...writeFindings(report), ...memoryFindings(report)];
  return findings.length > 0
    ? findings
    : [good('redis', `Redis ${report.version} is writable and evicts nothing`)];
}

function modeFindings({ version, isCluster }: RedisReport, urlCount: number): readonly Finding[] {
  const findings: Finding[] = [];
  if (Number.parseInt(version, 10) < LEAST_MAJOR) {
    findings.push({
      id: 'redis-too-old',
      level: 'warning',
      what: `Redis is ${version}`,
      why: `nothing older than ${LEAST_MAJOR} is tried`,
      fix: 'update Redis, or take Valkey',
    });
  }
  if (isCluster && urlCount === 1) {
    findings.push({
      id: 'redis-cluster-mode',
      level: 'error',
      what: 'this Redis is a node of a Cluster, and LONGHAUL_REDIS_URL names it alone',
      why: 'every key that another node has is answered with MOVED, which a client of a single Redis does not follow',
      fix: 'LONGHAUL_REDIS_URL=redis://node-1:6379,redis://node-2:6379,redis://node-3:6379',
    });
  }
  return findings;
}

function writeFindings({ writeRefusal, role }: RedisReport): readonly Finding[] {
  if (writeRefusal === undefined || writeRefusal.startsWith('MOVED')) return [];
  return [
    {
      id: 'redis-not-writable',
      level: 'error',
      what: `Redis (role ${role}) refuses what hot state does: ${writeRefusal}`,
      why: 'no state is kept: each call asks Postgres and the store',
      fix: refusalCure(writeRefusal),
    },
  ];
}

function refusalCure(refusal: string): string {
  if (refusal.includes('READONLY'))
    return 'this is a replica: name the primary in LONGHAUL_REDIS_URL, or all of a Cluster';
  if (refusal.includes('NOPERM'))
    return 'ACL SETUSER longhaul on >password ~upload:* +@hash +@scripting +expire +unlink +ping +info';
  if (refusal.includes('OOM'))
    return 'CONFIG SET maxmemory 1gb   # what is there is full, and nothing may be evicted';
  return 'redis-cli -u "$LONGHAUL_REDIS_URL" eval "return 1" 0';
}

function memoryFindings({
  evictionPolicy = '',
  maxMemoryBytes,
  usedMemoryBytes,
}: RedisReport): readonly Finding[] {
  const findings: Finding[] = [];
  if (evictionPolicy.startsWith('allkeys') || evictionPolicy === 'volatile-random') {
    findings.push({
      id: 'redis-evicts',
      level: 'warning',
      what: `maxmemory-policy is ${evictionPolicy}`,
      why: 'under pressure state of uploads that are under way is thrown away and has to be rebuilt from the store, one list call per thousand parts',
      fix: 'redis-cli CONFIG SET maxmemory-policy volatile-ttl   # every key of ours has a life; in redis.conf, too',
    });
  }
  if (maxMemoryBytes > 0 && usedMemoryBytes > maxMemoryBytes * FULL_AT) {
    findings.push({
      id: 'redis-memory-low',
      level: 'warning',
      what: `Redis uses ${usedMemoryBytes} of ${maxMemoryBytes} bytes`,
      why: 'soon it evicts, or refuses to write',
      fix: 'redis-cli CONFIG SET maxmemory 1gb',
    });
  }
  return findings;
}
