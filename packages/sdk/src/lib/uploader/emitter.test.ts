import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmitter } from './emitter.ts';

interface Events {
  readonly moved: number;
}

function start(): { readonly heard: string[] } & ReturnType<typeof createEmitter<Events>> {
  return { heard: [], ...createEmitter<Events>() };
}

describe('the emitter', () => {
  it('tells all listeners in their order, one that was added twice also twice, and nobody who has left', () => {
    const { heard, on, emit } = start();
    const first = (event: number): void => void heard.push(`first ${event}`);
    on('moved', first);
    const leave = on('moved', (event) => heard.push(`second ${event}`));
    on('moved', first);
    emit('moved', 1);
    leave();
    emit('moved', 2);
    expect(heard).toEqual(['first 1', 'second 1', 'first 1', 'first 2', 'first 2']);
  });

  it('tells nobody of what happened before he came, and nobody who has left since', () => {
    const { heard, on, emit } = start();
    let leave = (): void => {};
    on('moved', (event) => {
      heard.push(`first ${event}`);
      if (event === 1) on('moved', (later) => heard.push(`newcomer ${later}`));
      if (event === 2) leave();
    });
    leave = on('moved', (event) => heard.push(`leaver ${event}`));
    emit('moved', 1);
    emit('moved', 2);
    expect(heard).toEqual(['first 1', 'leaver 1', 'first 2', 'newcomer 2']);
  });

  it('goes on when a listener throws, and lets the process hear of it', async () => {
    const { heard, on, emit } = start();
    const others = process.rawListeners('uncaughtException') as ((error: Error) => void)[];
    const uncaught = new Promise<Error>((resolve) => {
      process.removeAllListeners('uncaughtException').once('uncaughtException', resolve);
    });
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    });
    on('moved', () => {
      throw new Error('broken listener');
    });
    on('moved', (event) => heard.push(`second ${event}`));
    emit('moved', 1);
    expect(heard).toEqual(['second 1']);
    expect((await uncaught).message).toBe('broken listener');
  });
});
