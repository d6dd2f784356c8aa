import { createHash } from 'node:crypto';
import type { Problem, RotateRequest, RotationStatus } from '@longhaul/protocol';
import type { UploadRecord } from '@longhaul/coordinator';
import { createLife, type Life } from '../engine/life.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import { type CoordinatorNetwork, createClientFetch } from './coordinator-network.ts';

/** Somebody who gives complete objects another encryption. */
export interface RotatorPlan {
  readonly name: string;
  readonly owner: string;
  readonly startMs: number;
  /** Rotations that it asks for, one after the other. */
  readonly wishes: readonly RotationWish[];
}

/** One rotation that somebody asks for. */
export interface RotationWish {
  readonly mode: 'sse-s3' | 'sse-kms' | 'sse-c';
  readonly deleteVersions: boolean;
  /** Pause before it. */
  readonly afterMs: number;
  /** It dies so long after it has asked first, and comes back after the pause: with its keys, or to ask no more. */
  readonly crash?: { readonly afterMs: number; readonly pauseMs: number; readonly losesKeys: boolean };
}

/** What became of one wish. */
export interface ToldOfRotation {
  readonly nodeId: string;
  readonly rotationId: string;
  /** `gone`: it came back without its keys, and never asked again. */
  readonly end: 'done' | 'failed' | 'refused' | 'gone' | 'gave up';
  readonly status?: RotationStatus;
  readonly code?: string;
}

/** A rotator while a schedule runs. */
export interface Rotator {
  readonly plan: RotatorPlan;
  readonly told: readonly ToldOfRotation[];
  readonly isOver: boolean;
}

/** What rotators live in. */
export interface RotatorWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly coordinators: CoordinatorNetwork;
  /** Complete uploads of an owner, as its own records tell. */
  readonly completeOf: (owner: string) => Promise<readonly UploadRecord[]>;
  /** Keys by their MD5, both base64: owners lose none. */
  readonly keys: Map<string, string>;
  readonly isHealed: () => boolean;
  readonly onCrash: () => void;
}

const LOOK_EVERY_MS = 10_000;
const PAUSE_MS = 3_000;
/** Times that it asks again once nothing goes wrong any more: the longest pause between two drives is five minutes. */
const MAX_ASKS_WHEN_HEALED = 60;

/** Starts a rotator. */
export function startRotator(world: RotatorWorld, plan: RotatorPlan): Rotator {
  const { scheduler } = world;
  const told: ToldOfRotation[] = [];
  let isOver = false;
  const live = async (): Promise<void> => {
    await scheduler.sleep(plan.startMs);
    for (const wish of plan.wishes) {
      await scheduler.sleep(wish.afterMs);
      const node = await findNode(world, plan);
      if (!node) break;
      const end = await rotate(world, plan, { wish, node });
      scheduler.note(`${plan.name} is told: ${end.end} ${end.code ?? ''} of ${end.nodeId.slice(-4)}`);
      told.push(end);
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
  };
}

/** One of its complete uploads, as soon as there is one. */
async function findNode(world: RotatorWorld, { owner }: RotatorPlan): Promise<UploadRecord | undefined> {
  for (;;) {
    const nodes = await world.completeOf(owner);
    if (nodes.length > 0) return world.random.pick(nodes);
    if (world.isHealed()) return undefined;
    await world.scheduler.sleep(LOOK_EVERY_MS);
  }
}

/** Asks, always the same, until it is told the end. */
async function rotate(
  world: RotatorWorld,
  plan: RotatorPlan,
  { wish, node }: { readonly wish: RotationWish; readonly node: UploadRecord },
): Promise<ToldOfRotation> {
  const { scheduler, random } = world;
  const { uploadId: nodeId } = node;
  const request = requestOf(world, wish, node);
  const { rotationId } = request;
  let life = createLife();
  let { crash } = wish;
  for (let asks = 0; asks < MAX_ASKS_WHEN_HEALED;) {
    asks += Number(world.isHealed());
    const dying = crash && scheduler.after(crash.afterMs, life.end);
    const answer = await ask(world, plan, { life, nodeId, request });
    dying?.cancel();
    if (answer === 'dead' && crash) {
      world.onCrash();
      scheduler.note(`${plan.name} crashes`);
      if (crash.losesKeys) return { nodeId, rotationId, end: 'gone' };
      await scheduler.sleep(crash.pauseMs);
      life = createLife();
      crash = undefined;
      continue;
    }
    const end = typeof answer === 'object' ? await endIn(answer) : undefined;
    if (end) return { nodeId, rotationId, ...end };
    await scheduler.sleep(random.delayMs(PAUSE_MS) * (1 + asks));
  }
  return { nodeId, rotationId, end: 'gave up' };
}

/** With the key that the object has now, as far as its owner knows. */
function requestOf(
  world: RotatorWorld,
  wish: RotationWish,
  { encryption: seal }: UploadRecord,
): RotateRequest {
  const oldCustomerKey = seal?.mode === 'sse-c' ? world.keys.get(seal.customerKeyMd5) : undefined;
  return {
    rotationId: world.random.uuid(),
    encryption: encryptionOf(world, wish),
    deleteVersions: wish.deleteVersions,
    ...(oldCustomerKey !== undefined && { oldCustomerKey }),
  };
}

/** A new key, where the wish is for one. */
function encryptionOf({ random, keys }: RotatorWorld, { mode }: RotationWish): RotateRequest['encryption'] {
  if (mode !== 'sse-c') return { mode };
  const bytes = createHash('sha256').update(`key ${random.uuid()}`).digest();
  const customerKeyMd5 = createHash('md5').update(bytes).digest('base64');
  keys.set(customerKeyMd5, bytes.toString('base64'));
  return { mode, customerKeyMd5, customerKey: bytes.toString('base64') };
}

interface Question {
  readonly life: Life;
  readonly nodeId: string;
  readonly request: RotateRequest;
}

/** Asks once. */
async function ask(
  { coordinators }: RotatorWorld,
  { name, owner }: RotatorPlan,
  { life, nodeId, request }: Question,
): Promise<Response | 'lost' | 'dead'> {
  const call = createClientFetch(coordinators, { name, life });
  const url = `https://coordinator.test/v1/objects/${nodeId}/rotate`;
  const headers = { 'x-owner': owner };
  const asked = call(new Request(url, { method: 'POST', body: JSON.stringify(request), headers }));
  return await Promise.race([
    asked.catch(() => 'lost' as const),
    new Promise<'dead'>((resolve) => life.onEnd(() => resolve('dead'))),
  ]);
}

/** The end that an answer tells of; `undefined`: ask again. */
async function endIn(
  response: Response,
): Promise<Pick<ToldOfRotation, 'end' | 'status' | 'code'> | undefined> {
  if (response.status >= 500) return undefined;
  const answer = (await response.json()) as RotationStatus & Problem;
  if (response.ok) return answer.state === 'DONE' ? { end: 'done', status: answer } : undefined;
  const { code } = answer;
  return { end: code === 'rotation-failed' ? 'failed' : 'refused', code };
}
