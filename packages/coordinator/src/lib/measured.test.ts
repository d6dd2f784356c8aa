import { describe, expect, it } from 'vitest';
import { measured, type Observe } from './measured.ts';

/** A port as somebody else may write one: a class, with a field that only its own methods see. */
class Port {
  #calls = 0;
  readonly name = 'port';

  async ask(question: string): Promise<string> {
    this.#calls += 1;
    if (question === 'fail') throw new Error(question);
    return `${question} ${this.#calls}`;
  }

  now(): number {
    return this.#calls;
  }
}

function watch(): { port: Port; seen: Parameters<Observe>[0][] } {
  const seen: Parameters<Observe>[0][] = [];
  return { port: measured(new Port(), (call) => seen.push(call)), seen };
}

describe('measured', () => {
  it('tells of each call what it was, how long it took, and its answer', async () => {
    const { port, seen } = watch();
    expect(await port.ask('why')).toBe('why 1');
    expect(seen).toEqual([{ operation: 'ask', durationMs: expect.any(Number), answer: 'why 1' }]);
  });

  it('tells of a failure, and lets it through', async () => {
    const { port, seen } = watch();
    await expect(port.ask('fail')).rejects.toThrow('fail');
    expect(seen).toMatchObject([{ operation: 'ask', error: { message: 'fail' } }]);
  });

  it('leaves alone what asks nobody', async () => {
    const { port, seen } = watch();
    expect([port.name, port.now()]).toEqual(['port', 0]);
    expect(seen).toEqual([]);
  });

  it('is the same port when it is taken apart', async () => {
    const { port, seen } = watch();
    const { ask } = port;
    expect(port.ask).toBe(ask);
    await ask('why');
    await { ...measured({ ask }, (call) => seen.push(call)) }.ask('again');
    expect(seen).toHaveLength(3);
  });
});
