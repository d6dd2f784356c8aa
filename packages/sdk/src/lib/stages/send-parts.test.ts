import { partRanges, planParts } from '@longhaul/protocol';
import { expect, it } from 'vitest';
import { createGate } from '../gate.ts';
import { createFairPool } from '../schedule/fair-pool.ts';
import { sendParts } from './send-parts.ts';

const MIB = 1024 ** 2;

/** Sends so many parts over a line of eight places; `onSent` may tell it that connections are held back. */
async function sendAll(partCount: number, onSent: (count: number, tell: () => void) => void) {
  const parts = partRanges(planParts(partCount * 5 * MIB, 5 * MIB));
  const told: { readonly signal: AbortSignal; readonly listener: () => void }[] = [];
  const heldBack = {
    whenKnown: (signal: AbortSignal, listener: () => void) => void told.push({ signal, listener }),
  };
  const tell = (): void => {
    for (const { signal, listener } of told.splice(0)) if (!signal.aborted) listener();
  };
  const input = {
    line: { pool: createFairPool(8), maxWidth: 8, heldBack },
    stopSignal: new AbortController().signal,
    gate: createGate(),
  };
  let inFlight = 0;
  const inFlights: number[] = [];
  const sent: number[] = [];
  await sendParts(input, parts, async ({ partNumber }) => {
    inFlights.push(++inFlight);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inFlight--;
    onSent(sent.push(partNumber), tell);
  });
  expect(inFlight).toBe(0);
  expect(sent.toSorted((a, b) => a - b)).toEqual(parts.map(({ partNumber }) => partNumber));
  return { mostInFlight: Math.max(...inFlights), tell };
}

it.each([
  [2, 2],
  [7, 2],
  [26, 6],
  [31, 7],
  [64, 8],
])('sends %i parts over %i connections of eight', async (partCount, expected) => {
  const { mostInFlight } = await sendAll(partCount, () => {});
  expect(mostInFlight).toBe(expected);
});

it.each([
  [11, 6],
  [7, 6],
  [26, 6],
])(
  'sends %i parts over %i connections once they turn out to be held back, and ends when all have',
  async (partCount, expected) => {
    const { mostInFlight, tell } = await sendAll(partCount, (count, told) => {
      if (count === 1) told();
    });
    expect(mostInFlight).toBe(expected);
    tell();
  },
);
