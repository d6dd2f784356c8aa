import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { EncryptionMode, RotateRequest, RotationStatus } from '@longhaul/protocol';
import pLimit from 'p-limit';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { CoordinatorOptions } from '../../coordinator-options.ts';
import { foreseeRotationAsOperator, rotateAsOperator } from '../../maintenance.ts';
import type { CliWorld } from '../command.ts';

/** Objects, and what they shall have. */
export interface RotationWish {
  readonly nodeIds: readonly string[];
  readonly request: Omit<RotateRequest, 'rotationId'>;
  readonly atOnce: number;
  /** Whether what has the encryption already is copied, too. */
  readonly again: boolean;
  readonly dryRun: boolean;
}

/** What became of one object, or would. */
export type ObjectReport =
  | {
      readonly nodeId: string;
      readonly outcome: 'rotated' | 'skipped' | 'would-rotate';
      readonly key?: string;
      readonly sizeBytes: number;
      readonly from?: EncryptionMode;
      readonly to: EncryptionMode;
      /** What went wrong all the same: the old object could not be deleted. */
      readonly message?: string;
    }
  | { readonly nodeId: string; readonly outcome: 'refused'; readonly code: string; readonly message: string };

type World = Pick<CliWorld, 'note' | 'report'> & { tell(report: ObjectReport): void };

const NEWS_EVERY_MS = 5_000;

/** Rotates one object after the other, some at once; one that is refused leaves the others alone. */
export async function rotateAll(
  options: CoordinatorOptions,
  wish: RotationWish,
  world: World,
): Promise<readonly ObjectReport[]> {
  const { nodeIds, atOnce } = wish;
  const limit = pLimit(atOnce);
  const news = createNews(world, nodeIds.length);
  const reports = nodeIds.map((nodeId) =>
    limit(async () => {
      const report = await rotateOne(options, nodeId, wish, news.copied).catch((error: unknown) =>
        refusedReport(nodeId, error, world),
      );
      news.ended(nodeId);
      world.tell(report);
      return report;
    }),
  );
  return await Promise.all(reports);
}

async function rotateOne(
  options: CoordinatorOptions,
  nodeId: string,
  { request: asked, again, dryRun }: RotationWish,
  tellCopied: (status: RotationStatus) => void,
): Promise<ObjectReport> {
  const request = { ...asked, rotationId: randomUUID() };
  const { key, sizeBytes, from, to, hasItAlready } = await foreseeRotationAsOperator(
    options,
    nodeId,
    request,
  );
  const modes = { ...(from && { from: from.mode }), to: to.mode };
  if (hasItAlready && !again) return { nodeId, outcome: 'skipped', key, sizeBytes, ...modes };
  if (dryRun) return { nodeId, outcome: 'would-rotate', key, sizeBytes, ...modes };
  for (;;) {
    const status = await rotateAsOperator(options, nodeId, request);
    tellCopied(status);
    const { retryAfterSeconds, result, lastError } = status;
    if (retryAfterSeconds === undefined) {
      const rotated = { nodeId, outcome: 'rotated', ...(result && { key: result.key }), sizeBytes } as const;
      return { ...rotated, ...modes, ...(lastError !== undefined && { message: lastError }) };
    }
    await setTimeout(retryAfterSeconds * 1_000);
  }
}

/** What is away is away for all: then there is no report, and the command fails. */
function refusedReport(nodeId: string, error: unknown, { report }: World): ObjectReport {
  if (error instanceof CoordinatorError)
    return { nodeId, outcome: 'refused', code: error.code, message: error.message };
  report(error);
  const message = 'something is away; the same command goes on';
  return { nodeId, outcome: 'refused', code: 'unavailable', message };
}

/** Says every few seconds how far it is. */
function createNews({ note }: World, total: number) {
  const copiedBytes = new Map<string, RotationStatus>();
  let endedCount = 0;
  let saidAtMs = performance.now();
  const say = (): void => {
    if (performance.now() - saidAtMs < NEWS_EVERY_MS) return;
    saidAtMs = performance.now();
    const running = [...copiedBytes.values()].map(
      ({ nodeId, copiedBytes: copied, sizeBytes }) =>
        `${nodeId} ${Math.floor((100 * copied) / Math.max(1, sizeBytes))} %`,
    );
    note([`${endedCount} of ${total} objects done`, ...running].join(', '));
  };
  return {
    copied(status: RotationStatus): void {
      copiedBytes.set(status.nodeId, status);
      say();
    },
    ended(nodeId: string): void {
      copiedBytes.delete(nodeId);
      endedCount++;
      say();
    },
  };
}
