import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createHeldBack, type Flight } from './held-back.ts';

const PACKET_BYTES = 1_448;
const { signal } = new AbortController();

/** Connections to a store, over a clock that is moved by hand. */
function opened(opensInRoundTrips: number | undefined = 1, isTls = false) {
  let nowMs = 1;
  const clock = { nowMs: () => nowMs } as Clock;
  const heldBack = createHeldBack(clock, opensInRoundTrips);
  let known = 0;
  heldBack.whenKnown(signal, () => known++);
  return {
    heldBack,
    known: () => known,
    begin: () => heldBack.follow(isTls),
    pass: (ms: number) => void (nowMs += ms),
  };
}

type Opened = ReturnType<typeof opened>;

/** Lets all carry so many packets in each of some round trips. */
function carry(
  { pass }: Opened,
  flights: readonly Flight[],
  [roundTripMs, packets, roundTrips, openingMs = roundTripMs]: readonly [number, number, number, number?],
): void {
  pass(openingMs);
  for (let turn = 1; turn <= roundTrips; turn++) {
    for (const flight of flights) flight.moved(turn * packets * PACKET_BYTES);
    pass(roundTripMs);
  }
}

describe('connections are held back', () => {
  it.each([
    ['by one packet lost of a hundred', 300, 12, true],
    ['by one of two hundred on a line of 80 ms', 80, 17, true],
    ['by nothing but the line, which two share', 300, 130, false],
    ['by a line of 100 Mbit/s', 80, 350, false],
  ])('%s', (_, roundTripMs, packets, expected) => {
    const line = opened();
    carry(line, [line.begin(), line.begin()], [roundTripMs, packets, 20]);
    expect(line.known()).toBe(Number(expected));
  });

  it('is told once ten round trips have passed, and not before', () => {
    const line = opened();
    const flight = line.begin();
    carry(line, [flight], [300, 12, 10]);
    expect(line.known()).toBe(0);
    flight.moved(200_000);
    expect(line.known()).toBe(1);
    flight.moved(210_000);
    expect(line.known()).toBe(1);
  });

  it('goes by all connections, as luck differs', () => {
    const line = opened();
    const [lucky, unlucky] = [line.begin(), line.begin()];
    line.pass(300);
    for (let turn = 1; turn <= 20; turn++) {
      lucky.moved(turn * 300 * PACKET_BYTES);
      unlucky.moved(turn * 2 * PACKET_BYTES);
      line.pass(300);
    }
    expect(line.known()).toBe(0);
  });

  it('takes preflight and TLS off the time that a connection takes to open', () => {
    const [bare, page] = [opened(1), opened(2, true)];
    carry(bare, [bare.begin()], [100, 40, 20, 300]);
    expect(bare.known()).toBe(0);
    carry(page, [page.begin()], [100, 40, 20, 300]);
    expect(page.known()).toBe(1);
  });

  it('takes the length of the line from connections that had to be opened', () => {
    const line = opened();
    const first = line.begin();
    line.pass(300);
    first.moved(1_000);
    first.end();
    const second = line.begin();
    second.moved(1_000);
    carry(line, [second], [300, 130, 20]);
    expect(line.known()).toBe(0);
  });

  it('says what it knows at once to who asks later, and nothing to who has left', () => {
    const line = opened();
    const leaving = new AbortController();
    let told = 0;
    line.heldBack.whenKnown(leaving.signal, () => told++);
    leaving.abort();
    carry(line, [line.begin()], [300, 12, 20]);
    expect([line.known(), told]).toEqual([1, 0]);
    line.heldBack.whenKnown(signal, () => told++);
    expect(told).toBe(1);
  });

  it('is taken for granted where nothing tells', () => {
    expect(opened(undefined).known()).toBe(0);
    const heldBack = createHeldBack({ nowMs: () => 1 } as Clock, undefined);
    let told = 0;
    heldBack.whenKnown(signal, () => told++);
    expect(told).toBe(1);
  });
});

it('tells apart what a line of any length gives, by what a connection has on its way', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 800 }),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 6 }),
      (roundTripMs, packets, lanes) => {
        // Near the border the first and the last round trip decide.
        fc.pre(packets < 50 || packets > 80);
        const line = opened();
        const flights = Array.from({ length: lanes }, line.begin);
        carry(line, flights, [roundTripMs, packets, 80]);
        expect(line.known()).toBe(Number(packets < 60));
      },
    ),
  );
});
