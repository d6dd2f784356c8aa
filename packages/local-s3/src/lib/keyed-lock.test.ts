import { expect, test } from 'vitest';

import { createKeyedLock } from './keyed-lock.ts';

test('tasks of one name take turns, those of others do not wait', async () => {
  const lock = createKeyedLock();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lock.run('a', async () => {
    log.push('a1 begins');
    await gate.promise;
    log.push('a1 ends');
  });
  const second = lock.run('a', async () => {
    log.push('a2');
  });
  await lock.run('b', async () => {
    log.push('b');
  });
  gate.resolve();
  await Promise.all([first, second]);
  expect(log).toEqual(['a1 begins', 'b', 'a1 ends', 'a2']);
});

test('a task that fails lets the next one in', async () => {
  const lock = createKeyedLock();
  const failed = lock.run('a', () => Promise.reject(new Error('no')));
  const next = lock.run('a', async () => 'yes');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('yes');
});
