/**
 * What `longhaul-coordinator doctor` sees of the servers beside the store. No method rejects because of the server: one
 * that cannot be reached is an answer.
 */
export interface ServerProbe<Report> {
  look(): Promise<Report | Unreachable>;
  close(): Promise<void>;
}

/** Nothing could be seen. */
export interface Unreachable {
  /** In words; never holds a password. */
  readonly unreachable: string;
}

/** A Redis. */
export interface RedisReport {
  readonly version: string;
  readonly role: string;
  readonly isCluster: boolean;
  /** `maxmemory_policy`. */
  readonly evictionPolicy: string | undefined;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly usedMemoryBytes: number;
  /** Why a key like ours could not be written, run through a script, and removed. */
  readonly writeRefusal: string | undefined;
}

/** A Postgres. */
export interface PostgresReport {
  /** For example 150004. */
  readonly versionNumber: number;
  readonly isReadOnly: boolean;
  readonly fsync: boolean;
  readonly synchronousCommit: string;
  readonly encoding: string;
  readonly user: string;
  readonly database: string;
  readonly schema: string | undefined;
  readonly appliedMigrations: number;
  /** Of this program. */
  readonly knownMigrations: number;
  readonly mayCreateTables: boolean;
  /** Tables of ours that may not be read and written. */
  readonly forbiddenTables: readonly string[];
}

/** A topic of Kafka. */
export interface KafkaReport {
  readonly topic: string;
  readonly brokerCount: number;
  /** `undefined`: there is no such topic. */
  readonly found:
    | {
        readonly partitionCount: number;
        readonly replicationFactor: number;
        readonly partitionsWithoutLeader: number;
        readonly minInSyncReplicas: number | undefined;
        readonly cleanupPolicy: string | undefined;
        readonly maxMessageBytes: number | undefined;
      }
    | undefined;
}
