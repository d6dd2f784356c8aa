import './loaded-on-demand.ts';
import {
  createUploaderOn,
  isUploadError,
  type Platform,
  type ResumeHint,
  type ResumeStore,
  type UploadHandle,
  type UploadResult,
} from '@longhaul/sdk/core';
import { createLife, type Life, never } from '../engine/life.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import { type CoordinatorNetwork, createClientFetch } from './coordinator-network.ts';
import { createSimulatedSender, type PartNetwork } from './part-network.ts';
import { digester, openFile, type SimulatedFile, type SimulatedSource } from './source.ts';
import { openAsStream, type StreamPlan } from './stream.ts';

/** What one client does in a schedule. Times are counted from its start, of each of its runs where they repeat. */
export interface ClientPlan {
  readonly name: string;
  readonly owner: string;
  readonly file: SimulatedFile;
  /** Where its hints are kept; several clients may share one. */
  readonly hints: ResumeStore;
  readonly startMs: number;
  readonly concurrency: number;
  /** What its line needs for one part, as a rule. */
  readonly transferMs: number;
  readonly resume: boolean;
  /** Dies so long after each start, as often as there are entries, and comes back after the pause. */
  readonly crashes: readonly { readonly afterMs: number; readonly pauseMs: number }[];
  /** Does not come back after its last crash. */
  readonly abandons: boolean;
  readonly cancelAfterMs?: number | undefined;
  /** Its file is edited in place while it is dead for the first time. */
  readonly editsWhileDead?: boolean | undefined;
  /** Its file comes as a stream. */
  readonly stream?: StreamPlan | undefined;
  /** Its file is replaced by another of the same size. */
  readonly changeAfterMs?: number | undefined;
  /** Its clock on the wall is wrong by so much. */
  readonly clockErrorMs: number;
  /** Its machine sleeps then, for an hour by the clock on the wall: whoever it was talking to has hung up. */
  readonly sleepsAfterMs?: number | undefined;
}

/** What a client was told at the end of a run. */
export type Told =
  | {
      readonly kind: 'completed';
      readonly result: UploadResult;
      /** Its file when that run began. */
      readonly file: SimulatedFile;
    }
  | { readonly kind: 'cancelled'; readonly uploadId: string | undefined }
  | {
      readonly kind: 'error';
      readonly uploadId: string | undefined;
      readonly code: string;
      readonly error: unknown;
    };

/** A client while a schedule runs, and what became of it. */
export interface Client {
  readonly plan: ClientPlan;
  readonly told: readonly Told[];
  /** Nothing more will come of it. */
  readonly isOver: boolean;
  /** When its present run, or its last one, began. */
  readonly startedAtMs: number;
  /** It has sent everything, and waits. */
  readonly isCompleting: boolean;
  readonly hasGivenUp: boolean;
  /** When it gave up it was waiting for its completion, or was not running. */
  readonly isWaiting: boolean;
  /** Ends it for good, as closing a tab does. */
  giveUp(): void;
}

/** What clients live in. */
export interface ClientWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly coordinators: CoordinatorNetwork;
  readonly parts: PartNetwork;
  readonly isHealed: () => boolean;
  readonly onCrash: () => void;
  readonly onFileChange: () => void;
  readonly onStreamBreak: () => void;
  readonly onSleep: () => void;
}

/** The machine of a client. */
interface Machine {
  /** What its clock on the wall is wrong by. */
  clockErrorMs: number;
  /** Times that it has slept. */
  naps: number;
}

/** Runs that end with an error, once nothing goes wrong any more, before somebody stops trying. */
const MAX_RUNS_WHEN_HEALED = 8;
const PAUSE_MS = 20_000;
const NAP_MS = 3_600_000;

/** Starts a client. */
export function startClient(world: ClientWorld, plan: ClientPlan): Client {
  const told: Told[] = [];
  let isOver = false;
  let hasGivenUp = false;
  let isWaiting = false;
  let startedAtMs = 0;
  let handle: UploadHandle | undefined;
  let life: Life | undefined;

  const crash = (runLife: Life): void => {
    // A run that has ended before it could crash is no more the one that lives.
    if (runLife.isOver || isOver || runLife !== life) return;
    world.scheduler.note(`${plan.name} crashes`);
    world.onCrash();
    runLife.end();
    if (plan.editsWhileDead) plan.file.isEdited = true;
  };

  const live = async (): Promise<void> => {
    await world.scheduler.sleep(plan.startMs);
    let healedRuns = 0;
    for (let run = 0; healedRuns < MAX_RUNS_WHEN_HEALED && !isOver; run++) {
      healedRuns += Number(world.isHealed());
      const runLife = createLife();
      life = runLife;
      const death = plan.crashes[run];
      if (death) world.scheduler.after(death.afterMs, () => crash(runLife));
      startedAtMs = world.scheduler.nowMs();
      const machine: Machine = { clockErrorMs: plan.clockErrorMs, naps: 0 };
      handle = upload(world, planOf(plan, run), { life: runLife, machine });
      if (plan.sleepsAfterMs !== undefined) {
        world.scheduler.after(plan.sleepsAfterMs, () => {
          if (!runLife.isOver && !isOver) sleep(world, plan, machine);
        });
      }
      const ending = await runOnce(world, plan, { life: runLife, handle });
      if (ending) {
        told.push(ending);
        world.scheduler.note(`${plan.name} is told: ${wordsOf(ending)}`);
      }
      if (ending ? isFinal(ending) : plan.abandons && run >= plan.crashes.length - 1) break;
      await world.scheduler.sleep(ending ? PAUSE_MS * (1 + healedRuns) : (death?.pauseMs ?? PAUSE_MS));
    }
    isOver = true;
  };
  void live();

  return {
    plan,
    told,
    get isOver() {
      return isOver;
    },
    get startedAtMs() {
      return startedAtMs;
    },
    get isCompleting() {
      return handle?.state.kind === 'completing';
    },
    get hasGivenUp() {
      return hasGivenUp;
    },
    get isWaiting() {
      return isWaiting;
    },
    giveUp() {
      hasGivenUp = true;
      isWaiting = life?.isOver === true || handle?.state.kind === 'completing';
      world.scheduler.note(`${plan.name} gives up`);
      isOver = true;
      life?.end();
    },
  };
}

/** One run of the program, to its end or (`undefined`) its death. */
function runOnce(
  world: ClientWorld,
  plan: ClientPlan,
  { life, handle }: { readonly life: Life; readonly handle: UploadHandle },
): Promise<Told | undefined> {
  const { file } = plan;
  const before = { ...file };
  const { contentId } = before;
  const later = (afterMs: number | undefined, work: () => void): void => {
    if (afterMs === undefined) return;
    world.scheduler.after(afterMs, () => {
      if (!life.isOver) work();
    });
  };
  later(plan.cancelAfterMs, () => {
    world.scheduler.note(`${plan.name} cancels`);
    // Its end is the result's end, which is looked at below.
    handle.cancel().catch(() => undefined);
  });
  if (contentId.endsWith('/0')) {
    later(plan.changeAfterMs, () => {
      world.onFileChange();
      file.contentId = contentId.replace(/0$/, '1');
      file.lastModifiedEpochMs += 1_000;
    });
  }
  return new Promise((resolve) => {
    life.onEnd(() => resolve(undefined));
    handle.result.then(
      (result) => resolve({ kind: 'completed', result, file: before }),
      (error: unknown) => resolve(toldOf(handle, error)),
    );
  });
}

function sleep(world: ClientWorld, { name }: ClientPlan, machine: Machine): void {
  world.scheduler.note(`${name} sleeps`);
  world.onSleep();
  machine.naps++;
  machine.clockErrorMs += NAP_MS;
}

function upload(
  world: ClientWorld,
  plan: ClientPlan,
  { life, machine }: { readonly life: Life; readonly machine: Machine },
): UploadHandle {
  const uploader = createUploaderOn(platformOf(world, plan, { life, machine }), {
    coordinator: createClientFetch(world.coordinators, { name: plan.name, life }),
    headers: { 'x-owner': plan.owner },
    concurrency: plan.concurrency,
    partSizeBytes: 5 * 1024 ** 2,
    resumeStore: plan.hints,
  });
  const expectedSizeBytes = plan.stream?.knowsSize ? plan.file.sizeBytes : undefined;
  return uploader.upload(plan.file, { resume: plan.resume, ...(expectedSizeBytes && { expectedSizeBytes }) });
}

/** A stream breaks off in the first run only. */
function planOf(plan: ClientPlan, run: number): ClientPlan {
  return plan.stream && run > 0 ? { ...plan, stream: { ...plan.stream, breaks: undefined } } : plan;
}

function platformOf(
  { scheduler, random, parts, onStreamBreak: onBreak }: ClientWorld,
  { name, concurrency, transferMs, stream }: ClientPlan,
  { life, machine }: { readonly life: Life; readonly machine: Machine },
): Platform<SimulatedFile, SimulatedSource> {
  const unlessDead = async <Value>(work: Promise<Value>): Promise<Value> => {
    const value = await work;
    return life.isOver ? await never<Value>() : value;
  };
  return {
    defaultConcurrency: concurrency,
    clock: {
      nowMs: scheduler.nowMs,
      nowEpochMs: () => scheduler.nowEpochMs() + machine.clockErrorMs,
      sleep: (delayMs, signal) => unlessDead(scheduler.sleep(delayMs, signal)),
      randomFraction: random.fraction,
      randomUuid: random.uuid,
    },
    openSource: async (file, hints) =>
      stream ? await unlessDead(openAsStream(file, { scheduler, hints, stream, onBreak })) : openFile(file),
    createSender: () => createSimulatedSender(parts, { name, life, transferMs, naps: () => machine.naps }),
    digester,
  };
}

function toldOf(handle: UploadHandle, error: unknown): Told {
  const { uploadId } = handle;
  if (!isUploadError(error)) return { kind: 'error', uploadId, code: 'thrown', error };
  if (error.code === 'CANCELLED') return { kind: 'cancelled', uploadId };
  const code = error.problem?.code ?? error.s3Code;
  return { kind: 'error', uploadId, code: code ? `${error.code} ${code}` : error.code, error };
}

/** Whether nobody would try again. */
function isFinal(told: Told): boolean {
  return told.kind !== 'error' || told.code === 'FILE_CHANGED' || told.code === 'thrown';
}

function wordsOf(told: Told): string {
  if (told.kind === 'completed') return `completed ${told.result.key.slice(-4)}`;
  return `${told.kind} ${told.kind === 'error' ? told.code : ''} ${told.uploadId?.slice(-4) ?? ''}`;
}

/** Hints on some device. */
export function createHints(): ResumeStore {
  const hints = new Map<string, ResumeHint>();
  return {
    find: async (key) => hints.get(key),
    remember: async (key, hint) => void hints.set(key, hint),
    forget: async (key) => void hints.delete(key),
  };
}
