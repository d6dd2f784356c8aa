/** Rotations that a client copies, whose coordinator dies at any place: the client goes on with another one. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { CUSTOMER_KEY_HEADERS, type RotationCopy, type RotationStatus } from '@longhaul/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CoordinatorOptions, createCoordinator, sweep } from '../../src/index.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import { mortal } from '../support/mortal.ts';
import { createMovingClock, type MovingClock } from '../support/moving-clock.ts';
import { put, sha256, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const content = randomBytes(1000);
const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');
const [old, next] = [randomBytes(32), randomBytes(32)] as const;
const keyed = (key: Uint8Array) => ({ [CUSTOMER_KEY_HEADERS.key]: Buffer.from(key).toString('base64') });

let clock: MovingClock;
let coordinator: TestCoordinator;
beforeEach(async () => {
  clock = createMovingClock();
  const memory = createSqliteStore({ path: ':memory:', nowEpochMs: clock.nowEpochMs });
  await memory.catalog.migrate();
  coordinator = await startCoordinator({
    ...memory,
    clock,
    wrapStore: (store) => ({ ...store, profile: { ...store.profile, ssecCopy: false } }),
  });
});
afterEach(() => coordinator.close());

interface Rotation {
  readonly nodeId: string;
  readonly key: string;
  readonly rotationId: string;
  readonly mode: 'sse-c' | 'sse-s3';
}

async function upload(mode: Rotation['mode']): Promise<Rotation> {
  const encryption = { mode: 'sse-c', customerKeyMd5: md5Of(old) } as const;
  const created = await coordinator.create({ sizeBytes: content.length, mode: 'single', encryption });
  await put(created.grants[0]!, content, keyed(old));
  const { answer } = await coordinator.complete(created);
  if (answer.state !== 'COMPLETED') throw new Error(`complete answered ${answer.state}`);
  return { nodeId: created.uploadId, key: answer.result.key, rotationId: randomUUID(), mode };
}

/** All that a client does, from the beginning, however far it has come before. */
async function copyWith(
  options: CoordinatorOptions,
  { nodeId, rotationId, mode }: Rotation,
): Promise<RotationStatus> {
  const app = createCoordinator(options);
  const ask = async <Answer>(path: string, body: object): Promise<Answer> => {
    const url = `http://localhost/v1/objects/${nodeId}/${path}`;
    const response = await app.request(url, { method: 'POST', body: JSON.stringify(body) });
    return (await response.json()) as Answer;
  };
  const wish = {
    rotationId,
    encryption: mode === 'sse-c' ? { mode, customerKeyMd5: md5Of(next) } : { mode },
    copyByClient: { oldCustomerKeyMd5: md5Of(old) },
  };
  const begun = await ask<RotationStatus>('rotate', wish);
  if (!begun.copyByClient) return begun;
  let copy = await ask<RotationCopy>('rotation/copy', { rotationId });
  if (copy.openingCall) {
    const { url, headers } = copy.openingCall;
    const opened = await fetch(url, { method: 'POST', headers: { ...headers, ...keyed(next) } });
    const s3UploadId = /<UploadId>([^<]+)</.exec(await opened.text())?.[1] ?? '';
    copy = await ask<RotationCopy>('rotation/copy', { rotationId, s3UploadId });
  }
  if (copy.receivedParts?.length === 0) {
    const sign = [{ partNumber: 1, contentMd5: md5Of(content) }];
    const { grants } = await ask<RotationCopy>('rotation/copy', { rotationId, sign });
    expect((await put(grants[0]!, content, mode === 'sse-c' ? keyed(next) : {})).status).toBe(200);
  }
  return await ask<RotationStatus>('rotate', { ...wish, copied: {} });
}

/** Dies at the n-th call of its ports; answers what was called, so that the last place is known. */
async function copyAndDie(rotation: Rotation, dieAt: number, isAfter: boolean): Promise<readonly string[]> {
  const { calls, options } = mortal(coordinator.options, dieAt, isAfter);
  const ended = copyWith(options, rotation).then(() => true);
  for (let isOver = false; !isOver && calls.length < dieAt;)
    isOver = await Promise.race([ended, setTimeout(5, false)]);
  // The call that it dies of has its effect first.
  if (isAfter) await setTimeout(40);
  return calls;
}

const readable = { 'sse-c': Buffer.from(next).toString('base64'), 'sse-s3': undefined };

it.each([
  ['sse-c', 'before', false],
  ['sse-c', 'after', true],
  ['sse-s3', 'before', false],
  ['sse-s3', 'after', true],
] as const)(
  'to %s, %s any of its calls: one object is left, with its new key',
  { timeout: 120_000 },
  async (mode, _when, isAfter) => {
    const met = new Set<string>();
    const { rotations } = coordinator.options.catalog;
    for (let dieAt = 1; ; dieAt++) {
      const rotation = await upload(mode);
      const { nodeId, key } = rotation;
      const calls = await copyAndDie(rotation, dieAt, isAfter);
      if (calls.length < dieAt) break;
      const where = `${dieAt} ${calls[dieAt - 1]}`;
      met.add(calls[dieAt - 1]!);
      clock.pass(61);
      await sweep(coordinator.options);
      await copyWith(coordinator.options, rotation);
      await sweep(coordinator.options);
      expect(await rotations.find(nodeId), where).toMatchObject({ state: 'DONE', generation: 1 });
      expect(sha256(await coordinator.read(`${key}.1`, readable[mode])), where).toBe(sha256(content));
      expect(await coordinator.objectStore.findListed({ key }), where).toBeUndefined();
      expect(await coordinator.objectStore.listMultipartUploads({ prefix: key }), where).toEqual([]);
    }
    for (const call of [
      'rotations.insert',
      'rotations.take',
      'rotations.saveCopy',
      'rotations.postpone',
      'store.signGet',
      'store.signPart',
      'rotations.recordComplete',
      'store.completeMultipartUpload',
      'rotations.switchObject',
      'rotations.finish',
    ])
      expect([...met]).toContain(call);
  },
);
