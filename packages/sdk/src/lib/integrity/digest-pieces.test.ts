import { expect, it } from 'vitest';
import { digestPieces } from './digest-pieces.ts';

it('leaves no failure unheard when there is nothing to digest', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  await digestPieces('CRC32', 0, async () => await Promise.reject(new Error('stopped')));
  await new Promise((passed) => setTimeout(passed, 10));
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});
