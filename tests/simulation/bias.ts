import type { ClientPlan } from './actors/client.ts';
import type { FaultName } from './engine/faults.ts';
import type { Plan } from './plan.ts';
import type { StoreQuirks } from './store/simulated-s3.ts';

/** A change of plans. */
export type Bias = (plan: Plan) => Plan;

/** One change after the other. */
export function toward(...biases: readonly Bias[]): Bias {
  return (plan) => biases.reduce((changed, bias) => bias(changed), plan);
}

/** The store is like this, and these faults may strike all the time, so often. */
export function certainly(quirks: StoreQuirks, chances: Partial<Record<FaultName, number>>): Bias {
  const names = Object.keys(chances) as FaultName[];
  return (plan) => ({
    ...plan,
    quirks: { ...plan.quirks, dropsMetadata: false, ...quirks },
    windows: [
      ...names.map((name) => ({ name, fromMs: 0, untilMs: plan.healsAtMs, probability: chances[name] ?? 0 })),
      ...plan.windows.filter(({ name }) => !names.includes(name)),
    ],
  });
}

/** What makes two clients send the same thing. */
type Same = Pick<ClientPlan, 'owner' | 'file' | 'resume' | 'startMs'>;

/** Changes the clients; `first` is what makes one send what the first one does. */
export function everyClient(change: (client: ClientPlan, index: number, first: Same) => ClientPlan): Bias {
  return (plan) => {
    const [first] = plan.clients;
    if (!first) return plan;
    const { owner, file, startMs } = first;
    const same = (): Same => ({ owner, file: { ...file }, resume: true, startMs });
    // Content that changes is nobody else's.
    const settled = plan.clients.map(({ changeAfterMs: _, ...client }) => client);
    return { ...plan, clients: settled.map((client, index) => change(client, index, same())) };
  };
}
