import { describe, expect, it } from 'vitest';
import { readArguments } from './arguments.ts';

describe('readArguments', () => {
  it('reads everything that can be asked for', () => {
    const args =
      'upload a b --coordinator http://c --connector k --content-type video/mp4 --max-rate 40M --concurrency 3 --part-size 16MiB --encryption sse-kms:arn:aws:kms:eu:1:key/a -r --follow-links --json';
    const headers = ['--header', 'Authorization: Bearer a:b', '--header', 'x-team:one'];
    expect(readArguments([...args.split(' '), ...headers], {})).toEqual({
      kind: 'upload',
      files: ['a', 'b'],
      coordinator: 'http://c',
      connectorId: 'k',
      contentType: 'video/mp4',
      maxBytesPerSecond: 40_000_000,
      concurrency: 3,
      partSizeBytes: 16_777_216,
      encryption: { mode: 'sse-kms', kmsKeyId: 'arn:aws:kms:eu:1:key/a' },
      headers: { authorization: 'Bearer a:b', 'x-team': 'one' },
      isRecursive: true,
      followLinks: true,
      isJson: true,
    });
  });

  it.each([
    [['sse-s3'], { mode: 'sse-s3' }],
    [['sse-kms'], { mode: 'sse-kms' }],
    [['sse-c', '--key-file', 'k'], { mode: 'sse-c', keyFile: 'k', entrustKey: false }],
    [['sse-c', '--key-file', 'k', '--entrust-key'], { mode: 'sse-c', keyFile: 'k', entrustKey: true }],
  ])('reads the encryption %j', (args, encryption) => {
    expect(readArguments(['upload', 'a', '--encryption', ...args], {})).toMatchObject({ encryption });
  });

  it('reads what shall be rotated', () => {
    const id = '6F9619FF-8B86-4011-B42D-00C04FC964FF';
    const args = `rotate ${id} --encryption sse-c --key-file n --old-key-file - --delete-versions --coordinator http://c`;
    expect(readArguments(args.split(' '), { LONGHAUL_AUTHORIZATION: 'Bearer env' })).toEqual({
      kind: 'rotate',
      nodeIds: [id.toLowerCase()],
      encryption: { mode: 'sse-c', keyFile: 'n', entrustKey: false },
      oldKeyFile: '-',
      deleteVersions: true,
      isJson: false,
      coordinator: 'http://c',
      headers: { authorization: 'Bearer env' },
    });
    expect(readArguments(['rotate', '--key', 'secret'], {})).toMatchObject({ kind: 'mistake' });
  });

  it('knows when nothing was asked', () => {
    expect(readArguments([], {})).toEqual({ kind: 'nothing' });
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

  it('finds what authorizes in the environment, unless a header says otherwise', () => {
    const env = { LONGHAUL_AUTHORIZATION: 'Bearer env' };
    expect(readArguments(['upload', 'a'], env)).toMatchObject({ headers: { authorization: 'Bearer env' } });
    expect(readArguments(['upload', 'a', '--header', 'Authorization: Bearer arg'], env)).toMatchObject({
      headers: { authorization: 'Bearer arg' },
    });
  });

  it('repeats no password', () => {
    const mistake = readArguments(['upload', 'a', '--coordinator', 'http://user:canary@c'], {});
    expect(JSON.stringify(mistake)).not.toContain('canary');
  });

  it.each([[['--help']], [['-h']], [['upload', '--help']], [['upload', 'a', '-h']]])(
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
    [['upload', 'a', '--part-size', '1MiB'], '5MiB'],
    [['upload', 'a', '--coordinator', '127.0.0.1:1'], 'http://'],
    [['upload', 'a', '--coordinator', 'http://user:canary@c'], '--header'],
    [['upload', 'a', '--header', 'secret'], '--header'],
    [['upload', 'a', '--connector', 'two words'], '--connector'],
    [['upload', 'a', '--connector', '.hidden'], '--connector'],
    [['upload', 'a', '--connector', ''], '--connector'],
    [['upload', 'a', '--encryption', 'rot13'], '--encryption'],
    [['upload', 'a', '--encryption', 'sse-s3:key'], '--encryption'],
    [['upload', 'a', '--encryption', 'sse-c'], '--key-file'],
    [['upload', 'a', '--key-file', 'f'], '--encryption sse-c'],
    [['upload', 'a', '--entrust-key'], '--encryption sse-c'],
    [['upload', 'a', '--colour'], '--colour'],
    [['upload', 'a', '--max-rate'], '--max-rate'],
  ])('names the mistake in %j', (args, name) => {
    expect(readArguments(args, {})).toMatchObject({
      kind: 'mistake',
      message: expect.stringContaining(name),
    });
  });
});
