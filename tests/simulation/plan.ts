import type { ClientPlan } from './actors/client.ts';
import type { RotatorPlan } from './actors/rotator.ts';
import type { FaultName, FaultWindow } from './engine/faults.ts';
import type { StoreQuirks } from './store/simulated-s3.ts';
import type { StoreTraitsName } from './store/store-traits.ts';

/** One schedule: who takes part, and what goes wrong. */
export interface Plan {
  readonly traits: StoreTraitsName;
  readonly versioned: boolean;
  readonly quirks: StoreQuirks;
  readonly replicaCount: number;
  readonly clients: readonly ClientPlan[];
  readonly rotators: readonly RotatorPlan[];
  /** Keys of customers wait somewhere while a rotation needs them. */
  readonly hasVault: boolean;
  readonly windows: readonly FaultWindow[];
  /** When the state store forgets, and the bucket ends an upload. */
  readonly strokes: readonly { readonly atMs: number; readonly name: FaultName }[];
  readonly killsAtMs: readonly number[];
  /** A process is killed when it comes there for the nth time. */
  readonly kill: { readonly point: string; readonly occurrence: number };
  readonly operatesAtMs: readonly number[];
  /** Somebody reconciles at the end as well. Otherwise the sweepers have to leave nothing. */
  readonly hasOperator: boolean;
  readonly idleLimitSeconds: number;
  /** A client that has waited for so long, when nothing goes wrong any more, is closed. */
  readonly patienceMs: number;
  /** From then on nothing goes wrong any more. */
  readonly healsAtMs: number;
}
