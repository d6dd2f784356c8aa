import { describe, expect, it } from 'vitest';
import { createGate } from './gate.ts';

const never = new AbortController().signal;

/** Hangs until its signal aborts, then fails as a request does. */
const hang = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut'))));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a gate', () => {
  it('lets through while it is open, values and failures', async () => {
    const gate = createGate();
    await expect(gate.run(never, async () => 5)).resolves.toBe(5);
    await expect(gate.run(never, async () => Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  it('stops what is under way when it closes, and begins it again after opening', async () => {
    const gate = createGate();
    let runs = 0;
    const running = gate.run(never, async (signal) => (++runs < 3 ? await hang(signal) : runs));
    for (const expected of [1, 2]) {
      expect(runs).toBe(expected);
      gate.setOpen(false);
      gate.setOpen(false);
      await turn();
      expect(runs).toBe(expected);
      gate.setOpen(true);
      await turn();
    }
    await expect(running).resolves.toBe(3);
  });

  it('keeps what was finished although it closed meanwhile', async () => {
    const gate = createGate();
    let runs = 0;
    const work = gate.run(never, async () => {
      gate.setOpen(false);
      return ++runs;
    });
    await expect(work).resolves.toBe(1);
  });

  it('is left by an abort, before it opens and while something runs', async () => {
    const gate = createGate();
    const leave = new AbortController();
    gate.setOpen(false);
    let runs = 0;
    const waiting = gate.run(leave.signal, async () => ++runs);
    const late = new AbortController();
    leave.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(gate.run(leave.signal, async () => ++runs)).rejects.toThrow('enough');
    expect(runs).toBe(0);
    gate.setOpen(true);
    const running = gate.run(late.signal, hang);
    late.abort(new Error('enough'));
    await expect(running).rejects.toThrow('cut');
  });

  it('holds back what comes to it between opening and closing again', async () => {
    const gate = createGate();
    gate.setOpen(false);
    let runs = 0;
    const waiting = gate.run(never, async () => ++runs);
    gate.setOpen(true);
    gate.setOpen(false);
    await turn();
    expect(runs).toBe(0);
    gate.setOpen(true);
    await expect(waiting).resolves.toBe(1);
  });
});
