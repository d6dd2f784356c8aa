import type { RotationWish, RotatorPlan } from './actors/rotator.ts';
import type { FaultName, FaultWindow } from './engine/faults.ts';
import type { Random } from './engine/random.ts';
import type { Plan } from './plan.ts';

/** Faults of rotations alone. */
export const ROTATION_FAULTS: readonly FaultName[] = [
  'copy lost',
  'answer to a copy lost',
  'copy slow',
  'copy goes on after it was given up',
  'lease not renewed',
  'key vault down',
];

const MINUTE_MS = 60_000;

/** Some schedules have those who rotate what the others have uploaded, and what goes wrong with that. */
export function withRotators(plan: Plan, random: Random, share = 0.6): Plan {
  if (!random.chance(share)) return plan;
  const owners = [...new Set(plan.clients.map(({ owner }) => owner))];
  const rotators = Array.from({ length: random.pick([1, 2, 2]) }, (_, index) =>
    drawRotator(random, `rotator${index + 1}`, random.pick(owners)),
  );
  const windows = ROTATION_FAULTS.filter(() => random.chance(0.4)).map((name) =>
    drawFault(random, plan, name),
  );
  return { ...plan, rotators, hasVault: random.chance(0.6), windows: [...plan.windows, ...windows] };
}

function drawRotator(random: Random, name: string, owner: string): RotatorPlan {
  const wishes = Array.from({ length: random.int(1, 3) }, () => drawWish(random));
  return { name, owner, startMs: random.fraction() * 30_000, wishes };
}

function drawWish(random: Random): RotationWish {
  const crash = {
    afterMs: random.delayMs(random.pick([200, 5_000])),
    pauseMs: Math.min(random.delayMs(40_000), 5 * MINUTE_MS),
    losesKeys: random.chance(0.3),
  };
  return {
    mode: random.pick(['sse-s3', 'sse-kms', 'sse-c', 'sse-c']),
    deleteVersions: random.chance(0.5),
    afterMs: random.delayMs(random.pick([100, 20_000])),
    ...(random.chance(0.4) && { crash }),
  };
}

function drawFault(random: Random, { healsAtMs }: Plan, name: FaultName): FaultWindow {
  const fromMs = random.chance(0.5) ? 0 : random.fraction() * healsAtMs * 0.7;
  const untilMs = random.chance(0.5) ? healsAtMs : fromMs + random.fraction() * healsAtMs * 0.5;
  return { name, fromMs, untilMs, probability: random.pick([0.1, 0.3, 0.6, 0.9]) };
}
