import type { Catalog, ObjectStore, StateStore } from '@longhaul/coordinator';
import type { Plan } from './plan.ts';
import type { SimulatedS3 } from './store/simulated-s3.ts';

/** The ports of a schedule, of which a mutation may replace any. */
export interface Mutated {
  readonly catalog: Catalog;
  /** The catalog as whoever judges the end reads it. */
  readonly shown: Catalog;
  readonly state: StateStore;
  readonly objectStore: ObjectStore;
  /** What a process makes of the catalog behind its wire: steps of their own, between which it may die. */
  readonly ofProcess: (catalog: Catalog) => Catalog;
  /** The same for the object store. */
  readonly storeOfProcess: (objectStore: ObjectStore) => ObjectStore;
}

/** A protection taken away from outside, to see whether the simulation misses it. */
export interface Mutation {
  readonly name: string;
  /** Made anew for every schedule. */
  readonly mutate: (
    world: Mutated & { readonly s3: SimulatedS3; readonly nowEpochMs: () => number },
  ) => Partial<Mutated>;
  /** What of the body of a call comes to the coordinators. */
  readonly onTheWay?: (body: string) => string;
  /** Leads schedules to where the protection is needed. The real program has to pass the same ones. */
  readonly bias?: (plan: Plan) => Plan;
}
