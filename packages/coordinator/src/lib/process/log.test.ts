import { describe, expect, it } from 'vitest';
import { CoordinatorError } from '../coordinator-error.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { StateStoreError } from '../ports/state-store.ts';
import { redactText } from '../redact.ts';
import { createLog, type LogLevel } from './log.ts';

const CALL = { requestId: 'r1234567', method: 'GET', route: '/v1/limits', status: 200, durationMs: 1.234 };

function logged(
  level: LogLevel,
  work: (log: ReturnType<typeof createLog>) => void,
): Record<string, unknown>[] {
  const lines: string[] = [];
  const now = (): Date => new Date(0);
  work(createLog({ format: 'json', level, write: (line) => lines.push(line), redact: redactText, now }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('createLog', () => {
  it('tells of a failure with the call that it befell, and its causes', () => {
    const cause = new ObjectStoreError('unreachable', 'HEAD got no answer', {
      cause: Object.assign(new Error('connect to redis://:canary@host failed'), { code: 'ECONNREFUSED' }),
    });
    const error = new CoordinatorError('store-unreachable', 'The store is away.', {}, cause);
    expect(logged('info', (log) => log.failed(error, { requestId: 'r1234567', uploadId: 'u1' }))).toEqual([
      {
        time: '1970-01-01T00:00:00.000Z',
        level: 'error',
        message: 'failed',
        requestId: 'r1234567',
        uploadId: 'u1',
        error: {
          name: 'CoordinatorError',
          message: 'The store is away.',
          code: 'store-unreachable',
          cause: {
            name: 'ObjectStoreError',
            message: 'HEAD got no answer',
            cause: {
              name: 'Error',
              message: 'connect to redis://[secret]@host failed',
              code: 'ECONNREFUSED',
            },
          },
        },
      },
    ]);
  });

  it('brings the stack of what nobody expected, without secrets, and ends with an error that is its own cause', () => {
    const error = new TypeError('password=canary');
    error.cause = error;
    const [line] = logged('info', (log) => log.failed(error));
    expect(JSON.stringify(line)).toContain('log.test.ts');
    expect(JSON.stringify(line)).not.toContain('canary');
    expect(logged('info', (log) => log.failed('odd'))).toMatchObject([{ error: { message: 'odd' } }]);
  });

  it.each<[LogLevel, number]>([
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 5],
  ])('leaves out at %s what is less important', (level, count) => {
    const lines = logged(level, (log) => {
      log.failed(new Error('x'));
      log.failed(new StateStoreError('away'));
      log.answered(CALL);
      log.answered({ ...CALL, route: '/readyz' });
      log.answered({ ...CALL, method: 'OPTIONS' });
    });
    expect(lines).toHaveLength(count);
  });
});
