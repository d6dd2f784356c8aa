/** How much a finding matters: `good` is as it should be, `note` is worth knowing, `warning` costs something, `error` loses something or does not work. */
export type FindingLevel = 'good' | 'note' | 'warning' | 'error';

/** Every finding that the doctor knows, by its stable id. docs/doctor.md has one row for each. */
export const FINDING_IDS = [
  'access',
  'store-unreachable',
  'tls-certificate',
  'tls-missing',
  'mixed-content',
  'public-endpoint-local',
  'public-endpoint-unreachable',
  'acceleration-off',
  'not-s3',
  'credentials-missing',
  'credentials-unknown',
  'credentials-secret',
  'credentials-expired',
  'clock-skew',
  'region-wrong',
  'bucket-missing',
  'rights',
  'right-missing',
  'cors',
  'cors-not-asked',
  'cors-origin',
  'cors-headers',
  'cors-etag-hidden',
  'cors-checksums-hidden',
  'lifecycle',
  'lifecycle-unreadable',
  'lifecycle-missing',
  'lifecycle-too-short',
  'lifecycle-expires-objects',
  'versioning',
  'versioning-suspended',
  'default-lock',
  'public-access',
  'encryption',
  'ssec-blocked',
  'ssec-ignored',
  'ssec-transits',
  'sse-missing',
  'behaviour',
  'length-not-enforced',
  'unsigned-headers-taken',
  'checksum-ignored',
  'put-condition-ignored',
  'complete-condition-ignored',
  'complete-not-repeatable',
  'paging-broken',
  'profile-wrong',
  'profile-too-careful',
  'leftovers',
  'objects-unknown',
  'sqlite',
  'sqlite-not-writable',
  'redis',
  'redis-unreachable',
  'redis-too-old',
  'redis-not-writable',
  'redis-cluster-mode',
  'redis-evicts',
  'redis-memory-low',
  'postgres',
  'postgres-unreachable',
  'postgres-too-old',
  'postgres-read-only',
  'postgres-behind',
  'postgres-no-create',
  'postgres-rights',
  'postgres-fsync-off',
  'postgres-async-commit',
  'postgres-encoding',
  'kafka',
  'kafka-unreachable',
  'kafka-topic-missing',
  'kafka-not-replicated',
  'kafka-acks-weak',
  'kafka-acks-impossible',
  'kafka-compacted',
  'kafka-message-size',
  'check-failed',
] as const;

/** One of {@link FINDING_IDS}. */
export type FindingId = (typeof FINDING_IDS)[number];

/** What the doctor has found, and what to do about it. */
export interface Finding {
  readonly id: FindingId;
  readonly level: FindingLevel;
  /** What was seen, on what. */
  readonly what: string;
  /** Why it matters. Nothing to explain where all is good. */
  readonly why?: string;
  /** The exact command, document or setting that mends it. */
  readonly fix?: string;
  /** What `--fix` can do by itself. */
  readonly repair?: Repair;
}

/** A change of the bucket that is made only when somebody has agreed to it. */
export interface Repair {
  /** In words, as a question for yes or no. */
  readonly question: string;
  /** From then on the store ends uploads that were begun so many days ago, also while they are being sent. */
  readonly endsUploadsAfterDays?: number;
  run(): Promise<void>;
}

/** Something that is as it should be. */
export function good(id: FindingId, what: string): Finding {
  return { id, level: 'good', what };
}

/** A command with a JSON document, ready to be pasted into a shell. */
export function shellWithJson(command: string, document: unknown): string {
  return `${command} '${JSON.stringify(document).replaceAll("'", String.raw`'\''`)}'`;
}
