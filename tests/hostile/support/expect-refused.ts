import { expect } from 'vitest';
import { PROBLEM_STATUS, type ProblemCode } from '@longhaul/protocol';
import { type Heard, type HostileWorld, SECRETS, type Sent } from './world.ts';

/** A refusal as it has to be: typed, no server error, without a secret, and told to nobody's log. */
export function expectTyped(world: HostileWorld, heard: Heard, code: ProblemCode): void {
  expect(heard.text).not.toMatch(/canary|sqlite|node:|at file:|\/tmp\//i);
  for (const secret of Object.values(SECRETS)) expect(heard.text).not.toContain(secret);
  expect(heard.problem).toMatchObject({
    code,
    status: PROBLEM_STATUS[code],
    type: `urn:longhaul:problem:${code}`,
  });
  expect(heard.status).toBe(PROBLEM_STATUS[code]);
  expect(heard.status).toBeLessThan(500);
  expect(heard.headers.get('content-type')).toBe('application/problem+json');
  expect(heard.headers.get('x-content-type-options')).toBe('nosniff');
  expect(heard.headers.get('cache-control')).toBe('no-store');
  expect(world.reported).toEqual([]);
}

/** Makes a call that has to be refused, and looks whether it has changed anything: rows, objects, open uploads. */
export async function expectRefused(
  world: HostileWorld,
  call: readonly [method: string, path: string, sent?: Sent],
  code: ProblemCode,
): Promise<Heard> {
  const before = await world.effects();
  const heard = await world.call(...call);
  expectTyped(world, heard, code);
  expect(await world.effects()).toEqual(before);
  return heard;
}
