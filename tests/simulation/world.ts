import type { createSqliteStore } from '@longhaul/coordinator/sqlite';
import type { Faults } from './engine/faults.ts';
import type { Random } from './engine/random.ts';
import type { Scheduler } from './engine/scheduler.ts';
import type { createTally } from './engine/tally.ts';
import type { History } from './history.ts';
import type { Plan } from './plan.ts';
import type { RotationHistory } from './rotation-history.ts';
import type { SimulatedKeyVault } from './store/simulated-key-vault.ts';
import type { SimulatedS3 } from './store/simulated-s3.ts';

/** What all actors of a schedule live in. */
export interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly plan: Plan;
  readonly faults: Faults;
  readonly history: History;
  readonly rotations: RotationHistory;
  readonly keyVault: SimulatedKeyVault;
  readonly s3: SimulatedS3;
  readonly database: ReturnType<typeof createSqliteStore>;
  readonly tallies: Readonly<
    Record<'faults' | 'branches' | 'killPoints' | 'crashes', ReturnType<typeof createTally>>
  >;
}
