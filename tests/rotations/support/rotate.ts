import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Problem, RotationStatus } from '@longhaul/protocol';

/** A key of a customer's, as a request names it. */
export interface CustomerKey {
  readonly base64: string;
  readonly wish: { readonly mode: 'sse-c'; readonly customerKeyMd5: string; readonly customerKey: string };
}

export function newKey(): CustomerKey {
  const bytes = randomBytes(32);
  const base64 = bytes.toString('base64');
  const customerKeyMd5 = createHash('md5').update(bytes).digest('base64');
  return { base64, wish: { mode: 'sse-c', customerKeyMd5, customerKey: base64 } };
}

/** What a call about a rotation was answered. */
export interface RotationAnswer {
  readonly status: number;
  readonly answer: RotationStatus & Problem;
}

/** Asks once. */
export async function askRotation(
  coordinatorUrl: string,
  nodeId: string,
  request: object,
): Promise<RotationAnswer> {
  const body = JSON.stringify({ rotationId: randomUUID(), ...request });
  return await readAnswer(
    await fetch(new URL(`/v1/objects/${nodeId}/rotate`, coordinatorUrl), { method: 'POST', body }),
  );
}

/** How far the newest rotation of an object has come. */
export async function readRotation(coordinatorUrl: string, nodeId: string): Promise<RotationAnswer> {
  return await readAnswer(await fetch(new URL(`/v1/objects/${nodeId}/rotation`, coordinatorUrl)));
}

/** Asks, and again for as long as the store is at work, as a client does. */
export async function rotateToEnd(
  coordinatorUrl: string,
  nodeId: string,
  request: object,
): Promise<RotationAnswer> {
  const repeatable = { rotationId: randomUUID(), ...request };
  for (;;) {
    const answered = await askRotation(coordinatorUrl, nodeId, repeatable);
    if (answered.status !== 202) return answered;
    await sleep((answered.answer.retryAfterSeconds ?? 1) * 1000);
  }
}

async function readAnswer(response: Response): Promise<RotationAnswer> {
  return { status: response.status, answer: (await response.json()) as RotationStatus & Problem };
}
