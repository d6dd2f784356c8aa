import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFlow } from '../../src/lib/platform/node/flow.ts';
import { createRateLimiter } from '../../src/lib/platform/node/rate-limiter.ts';
import { systemClock } from '../../src/lib/system-clock.ts';

const MIB = 1024 ** 2;

describe('the flow', () => {
  it('comes to whole buffers on a fast line and to small pieces on a slow one', () => {
    const flow = createFlow(MIB, undefined);
    for (let turn = 0; turn < 6; turn++) flow.wrote(1);
    expect(flow.pieceBytes()).toBe(MIB);
    for (let turn = 0; turn < 10; turn++) flow.wrote(1_000);
    expect(flow.pieceBytes()).toBe(16 * 1024);
    flow.wrote(200);
    expect(flow.pieceBytes()).toBe(16 * 1024);
  });

  it('never asks for nothing, or for more than the buffer or the limiter allows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.array(fc.constantFrom(1, 100, 1_000), { maxLength: 30 }),
        (rate, writes) => {
          const limiter = createRateLimiter(rate, systemClock);
          const flow = createFlow(MIB, limiter);
          for (const tookMs of writes) flow.wrote(tookMs);
          expect(flow.pieceBytes()).toBeGreaterThanOrEqual(1);
          expect(flow.pieceBytes()).toBeLessThanOrEqual(Math.min(MIB, limiter.maxPieceBytes));
        },
      ),
    );
  });
});
