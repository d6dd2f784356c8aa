import { partRanges, planParts } from '@longhaul/protocol';
import { expect, it } from 'vitest';
import { createGate } from '../gate.ts';
import { createFairPool } from '../schedule/fair-pool.ts';
import { sendParts } from './send-parts.ts';

const MIB = 1024 ** 2;

it.each([
  [2, 2],
  [7, 6],
  [26, 6],
  [31, 7],
  [64, 8],
])('sends %i parts over %i connections of eight', async (partCount, expected) => {
  const parts = partRanges(planParts(partCount * 5 * MIB, 5 * MIB));
  const input = {
    line: { pool: createFairPool(8), maxWidth: 8 },
    stopSignal: new AbortController().signal,
    gate: createGate(),
  };
  let inFlight = 0;
  let mostInFlight = 0;
  const sent: number[] = [];
  await sendParts(input, parts, async ({ partNumber }) => {
    mostInFlight = Math.max(mostInFlight, ++inFlight);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inFlight--;
    sent.push(partNumber);
  });
  expect(mostInFlight).toBe(expected);
  expect(sent.toSorted((a, b) => a - b)).toEqual(parts.map(({ partNumber }) => partNumber));
});
