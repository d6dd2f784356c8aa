import { type CompleteOutcome, type ObjectStore, ObjectStoreError } from '@longhaul/coordinator';
import type { Faults } from '../engine/faults.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import { type Caller, type Service, throughWire, type Trouble, type Wire } from '../engine/wire.ts';
import { S3Refusal } from '../store/s3-refusal.ts';
import type { SimulatedS3, Work, Written } from '../store/simulated-s3.ts';
import { completeOutcome, toRequest } from '../store/simulated-object-store.ts';
import { type CompleteAnswer, honestAnswer, SPOILED_ANSWERS } from './complete-answers.ts';
import { sendCopy } from './store-copies.ts';

/** What a store client works with. */
export interface StoreClientInput {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly wire: Wire;
  readonly s3: SimulatedS3;
  /** The same store by its port, with no time between question and answer. */
  readonly direct: ObjectStore;
  readonly watch: StoreWatch;
}

/** Told of what is in flight at the store, and of its answers. */
export interface StoreWatch {
  /** A Complete was sent. Answers what to call when the store is done with it. */
  completing(s3UploadId: string): () => void;
  /** An Abort has arrived. */
  aborting(s3UploadId: string): void;
  /** Somebody has deleted an object that was just built. */
  deleted(key: string): void;
  completeAnswered(caller: Caller, key: string, answer: CompleteAnswer): void;
  readonly observe: NonNullable<Service['observe']>;
  readonly heard: NonNullable<Service['heard']>;
}

/** As in the S3 adapter. */
const COMPLETE_DEADLINE_MS = 10 * 60_000;
const LATENCY_MS = 25;
/** The longest that a store is thought to work on one Complete. */
const MAX_BUILD_MS = 30 * 60_000;
const BUILD_MS_PER_PART = 50;

const LOCAL = new Set(['signPart', 'signPut']);

/** The object store as one process of a coordinator sees it. */
export function createStoreClient(input: StoreClientInput, caller: Caller): ObjectStore {
  const { direct, wire, watch, s3 } = input;
  const service = storeService(input);
  const remote = throughWire(direct, async (method, values, effect) => {
    if (LOCAL.has(method)) return await wire.local(caller, `objectStore.${method}`, effect);
    return await wire.call(caller, { service, method, values, effect });
  });
  return {
    ...remote,
    locationOf: direct.locationOf,
    completeMultipartUpload: (request) => complete(input, caller, request),
    copyPart: (request) => sendCopy(input, caller, () => s3.beginPartCopy(request)),
    async putObject(object) {
      try {
        return await remote.putObject(object);
      } catch (error) {
        if (!(error instanceof ObjectStoreError) || error.kind === 'refused') throw error;
        return { kind: 'unknown', reason: error.message };
      }
    },
    async abortMultipartUpload(ref) {
      const effect = async (): Promise<void> => {
        watch.aborting(ref.s3UploadId);
        await direct.abortMultipartUpload(ref);
      };
      await wire.call(caller, { service, method: 'abortMultipartUpload', values: [ref], effect });
    },
  };
}

function storeService({ faults, watch }: StoreClientInput): Service {
  const unreachable = (): ObjectStoreError => new ObjectStoreError('unreachable', 'ECONNRESET');
  return {
    name: 'objectStore',
    typicalMs: LATENCY_MS,
    observe: watch.observe,
    heard: watch.heard,
    trouble(method): Trouble | undefined {
      if (method === 'headObject' && faults.strikes('HEAD fails')) {
        return { kind: 'not done', error: unreachable() };
      }
      if (faults.strikes('store call lost')) return { kind: 'not done', error: unreachable() };
      if (faults.strikes('store answer lost')) return { kind: 'done', error: unreachable() };
      if (faults.strikes('store throttled')) {
        return { kind: 'not done', error: new ObjectStoreError('throttled', 'SlowDown') };
      }
      return faults.strikes('store slow') ? { kind: 'slow' } : undefined;
    },
  };
}

type CompleteInput = Parameters<ObjectStore['completeMultipartUpload']>[0];

const DEADLINE: CompleteAnswer = 'no answer within the deadline';

/** CompleteMultipartUpload: sent once, worked on for as long as it takes, and answered in one of many ways. */
function complete(input: StoreClientInput, caller: Caller, request: CompleteInput): Promise<CompleteOutcome> {
  const { scheduler, random, faults, wire, watch } = input;
  const name = 'objectStore.completeMultipartUpload';
  return new Promise((resolve) => {
    if (!wire.pass(caller, `${name} before`)) return;
    const spoiled = faults.strikes('answer to Complete spoiled') ? random.pick(SPOILED_ANSWERS) : undefined;
    const over = watch.completing(request.s3UploadId);
    let isAnswered = false;
    const answer = (kind: CompleteAnswer, outcome: CompleteOutcome): void => {
      if (isAnswered) return;
      isAnswered = true;
      deadline.cancel();
      scheduler.note(`${caller.name} ${name} ${kind}`);
      scheduler.after(random.delayMs(LATENCY_MS), () => {
        if (caller.life.isOver) return;
        watch.completeAnswered(caller, request.key, kind);
        if (wire.pass(caller, `${name} after`)) resolve(outcome);
      });
    };
    const spoil = (kind: CompleteAnswer): void => {
      if (kind !== DEADLINE) answer(kind, { kind: 'unknown', reason: kind });
    };
    const deadline = scheduler.after(COMPLETE_DEADLINE_MS, () =>
      answer(DEADLINE, { kind: 'unknown', reason: DEADLINE }),
    );

    scheduler.after(random.delayMs(LATENCY_MS), () => {
      // Whoever stands between may swallow the call, or answer it long before the store has done its work.
      const isSwallowed = spoiled !== undefined && random.chance(0.4);
      if (spoiled && (isSwallowed || random.chance(0.3))) spoil(spoiled);
      if (isSwallowed) return over();
      build(input, request, (kind, outcome) => {
        over();
        if (spoiled) spoil(spoiled);
        else answer(kind, outcome);
      });
    });
  });
}

/** The store's own work on a Complete. */
function build(
  { scheduler, random, faults, s3, watch }: StoreClientInput,
  request: CompleteInput,
  done: (kind: CompleteAnswer, outcome: CompleteOutcome) => void,
): void {
  const { traits } = s3;
  const tell = (work: Work<Written> | S3Refusal): void => {
    const finished = work instanceof S3Refusal ? work : refusalOf(() => work.finish());
    // In the moment between the building and the proof: later it would be nobody's business here.
    if (!(finished instanceof S3Refusal) && faults.strikes('object deleted by somebody else')) {
      watch.deleted(request.key);
      s3.delete(request.key, finished.versionId);
    }
    scheduler.note(
      `the store is done with a Complete: ${finished instanceof S3Refusal ? finished.message : 'built'}`,
    );
    const outcome = completeOutcome(traits, () => ({
      ...(!(work instanceof S3Refusal) && work.isRepetition && { isRepetition: true }),
      finish() {
        if (finished instanceof S3Refusal) throw finished;
        return finished;
      },
    }));
    done(honestAnswer(outcome, finished instanceof S3Refusal ? finished.status : 200), outcome);
  };
  const begun = refusalOf(() => s3.beginComplete(toRequest(traits, request)));
  if (begun instanceof S3Refusal) return tell(begun);
  const buildMs = faults.strikes('Complete goes on after its deadline')
    ? COMPLETE_DEADLINE_MS + random.fraction() * (MAX_BUILD_MS - COMPLETE_DEADLINE_MS)
    : random.delayMs(BUILD_MS_PER_PART * request.parts.length);
  scheduler.after(buildMs, () => tell(begun));
}

function refusalOf<Value>(work: () => Value): Value | S3Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof S3Refusal) return error;
    throw error;
  }
}
