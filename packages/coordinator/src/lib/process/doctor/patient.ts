import type { CoordinatorSettings } from '../../coordinator-settings.ts';
import type { BucketProbe, BucketSettings, MeasuredStore } from '../../ports/bucket-probe.ts';
import type { KafkaReport, PostgresReport, RedisReport, ServerProbe } from '../../ports/server-probes.ts';
import type { StoreProfile } from '../../ports/store-profile.ts';
import type { ServeConfig } from '../config.ts';
import type { Finding } from './finding.ts';

/** Everything that the doctor looks at. */
export interface Patient {
  readonly config: ServeConfig;
  readonly settings: CoordinatorSettings;
  readonly wish: DoctorWish;
  /** What the coordinator believes of the store. */
  readonly profile: StoreProfile;
  /** What every key begins with, as far as it is fixed. */
  readonly keyPrefix: string;
  readonly bucket: BucketProbe;
  readonly redis: ServerProbe<RedisReport> | undefined;
  readonly postgres: ServerProbe<PostgresReport> | undefined;
  readonly kafka: ServerProbe<KafkaReport> | undefined;
  close(): Promise<void>;
}

/** What the doctor was asked for. */
export interface DoctorWish {
  /** Origins whose pages shall be able to upload. */
  readonly origins: readonly string[];
  /** The longest that an upload may take, in days. */
  readonly longestDays: number;
  /** Looks at what only large parts show, too. */
  readonly thorough: boolean;
}

/** One look at the patient. */
export type Check = (patient: Patient) => Promise<readonly Finding[]>;

/** What was found, and what was measured of the store on the way. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** `undefined` when the store could not be reached, or nothing may be written there. */
  readonly store: { readonly settings: BucketSettings; readonly seen: MeasuredStore } | undefined;
}
