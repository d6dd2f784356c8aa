import type { ClientPlan } from './actors/client.ts';
import { withRotators } from './draw-rotators.ts';
import type { FaultName } from './engine/faults.ts';
import { createRandom } from './engine/random.ts';
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

/** So many clients. */
export function crowd(count: number): Bias {
  return (plan) => ({
    ...plan,
    clients: Array.from({ length: count }, (_, index) => {
      const like = plan.clients[index % plan.clients.length];
      if (!like) throw new RangeError('there is no client to be like');
      return { ...like, name: `client${index + 1}`, file: { ...like.file } };
    }),
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
    const settled = plan.clients.map((client) => ({ ...client, changeAfterMs: undefined }));
    return { ...plan, clients: settled.map((client, index) => change(client, index, same())) };
  };
}

/** A cancel while the store is at work on a Complete, by another client. */
const cancelledWhileCompleting = toward(
  certainly({}, { 'Complete goes on after its deadline': 0.8 }),
  everyClient((client, index, first) => ({
    ...client,
    ...first,
    ...(index > 0 && { crashes: [], cancelAfterMs: 8_000 * index }),
  })),
);
const changingEtags = certainly({ saltsEtags: true }, { 'part lands after it was given up': 0.5 });
const slowLines = toward(
  (plan) => ({ ...plan, idleLimitSeconds: 600 }),
  everyClient((client) => ({ ...client, concurrency: 1, transferMs: 110_000 })),
);
/** So slow that the catalog, which hears of nothing, takes them for idle. */
const unheard = toward(
  slowLines,
  everyClient((client) => ({
    ...client,
    startMs: 0,
    crashes: [],
    file: { ...client.file, sizeBytes: 40 * 1024 ** 2 },
  })),
  (plan) => ({
    ...plan,
    healsAtMs: 1_200_000,
    windows: [{ name: 'catalog down', fromMs: 60_000, untilMs: 1_200_000, probability: 0.6 }],
  }),
);
const cancelledWholes = toward(
  certainly({}, {}),
  everyClient((client, index) => ({
    ...client,
    file: { ...client.file, sizeBytes: 1024 ** 2 },
    ...(index % 2 === 0 && { cancelAfterMs: 1_500 }),
  })),
);
const oftenReconciled = toward(slowLines, (plan) => ({
  ...plan,
  operatesAtMs: [1, 2, 3, 4].map((fifth) => (plan.healsAtMs * fifth) / 5),
}));

/** Rotations of everybody's, one after the other, of objects that are soon complete. */
export const manyRotations: Bias = toward(
  everyClient((client) => ({ ...client, startMs: 0, crashes: [], cancelAfterMs: undefined })),
  (plan) => ({ ...plan, ...withRotators(plan, createRandom(`rotators of ${plan.healsAtMs}`), 1) }),
);

/** What leads to calls that are rare otherwise. */
const LEADS_TO: Readonly<Record<string, Bias>> = {
  'catalog.requestCancel': cancelledWhileCompleting,
  'catalog.refuseCompletion': changingEtags,
  'catalog.fail': certainly({}, { 'object deleted by somebody else': 0.6 }),
  'catalog.extendExpiry': unheard,
  'catalog.findByKeys': oftenReconciled,
  'catalog.postpone': cancelledWholes,
  'catalog.recordGrant': cancelledWholes,
  'catalog.repeatCreate': certainly({}, { 'store call lost': 0.5, 'answer of the coordinator lost': 0.3 }),
  'outbox.replay': certainly({}, { 'sink rejects an event': 1 }),
  'state.lastActiveAtEpochMs': unheard,
  'objectStore.signPut': cancelledWholes,
  'objectStore.deleteObject': cancelledWholes,
};

/** Makes it likely that a process comes to a point at which it shall be killed. */
export function toCome(point: string): Bias {
  const [call = ''] = point.split(' ');
  const isOfRotations = /^(rotations|keyVault)\.|\.(copyPart|deleteVersions)$/.test(call);
  return LEADS_TO[call] ?? (isOfRotations ? manyRotations : (plan) => plan);
}
