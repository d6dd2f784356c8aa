import { describe, expect, it } from 'vitest';
import { readArguments } from './arguments.ts';

describe('readArguments', () => {
  it('reads everything that can be asked for', () => {
    const args =
      'upload a b --coordinator http://c --connector k --content-type video/mp4 --max-rate 40M --concurrency 3 --part-size 16MiB --json';
    expect(readArguments(args.split(' '), {})).toEqual({
      kind: 'upload',
      files: ['a', 'b'],
      coordinator: 'http://c',
      connectorId: 'k',
      contentType: 'video/mp4',
      maxBytesPerSecond: 40_000_000,
      concurrency: 3,
      partSizeBytes: 16_777_216,
      isJson: true,
    });
  });

  it('finds the coordinator in the environment, or at home', () => {
    expect(readArguments(['upload', 'a'], { LONGHAUL_COORDINATOR: 'http://e' })).toMatchObject({
      coordinator: 'http://e',
    });
    expect(readArguments(['upload', 'a'], {})).toMatchObject({
      coordinator: 'http://127.0.0.1:8787',
      isJson: false,
    });
  });

  it.each([[[]], [['--help']], [['-h']], [['upload', '--help']], [['upload', 'a', '-h']]])(
    'teaches on %j',
    (args) => {
      expect(readArguments(args, {})).toEqual({ kind: 'help' });
    },
  );

  it.each([
    [['upload'], 'No file'],
    [['uplaod', 'a'], 'uplaod'],
    [['--json'], 'no command'],
    [['upload', 'a', '--max-rate', 'fast'], '--max-rate'],
    [['upload', 'a', '--concurrency', '0'], '--concurrency'],
    [['upload', 'a', '--part-size', 'x'], '--part-size'],
    [['upload', 'a', '--colour'], '--colour'],
    [['upload', 'a', '--max-rate'], '--max-rate'],
  ])('names the mistake in %j', (args, name) => {
    expect(readArguments(args, {})).toMatchObject({
      kind: 'mistake',
      message: expect.stringContaining(name),
    });
  });
});
